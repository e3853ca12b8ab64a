import COpenSSL

/// AES-256 of single blocks (FIPS 197), for a counter mode whose counter is not OpenSSL's: Fortuna counts with the least
/// significant byte first, EVP_aes_256_ctr with the most significant one.
public struct AES256: ~Copyable {
    public static let blockSize = 16
    public static let keySize = 32

    private let context: OpaquePointer  // <EVP_CIPHER_CTX>, owned; its copy of the key is wiped by OpenSSL

    /// `key` has 32 bytes.
    public init(key: borrowing SecretBytes) {
        precondition(key.count == AES256.keySize, "an AES-256 key has 32 bytes")
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        let result = key.withUnsafeBytes { EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nil, $0, nil) }
        precondition(result == 1, "this OpenSSL has no AES-256")
        EVP_CIPHER_CTX_set_padding(context, 0)  // always returns 1
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Encrypts whole blocks in place, each by itself.
    public func encrypt(_ blocks: inout [UInt8]) {
        precondition(blocks.count % AES256.blockSize == 0 && blocks.count <= Int32.max, "whole blocks only")
        var written: Int32 = 0
        let count = Int32(blocks.count)
        let result = blocks.withUnsafeMutableBufferPointer {
            EVP_EncryptUpdate(context, $0.baseAddress, &written, $0.baseAddress, count)
        }
        precondition(result == 1 && written == count, "AES-256 cannot fail once it has its key")
    }
}

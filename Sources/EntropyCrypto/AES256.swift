import COpenSSL

/// AES-256 of single blocks (FIPS 197), for a counter mode whose counter is not OpenSSL's: Fortuna counts with the least
/// significant byte first, EVP_aes_256_ctr with the most significant one.
public struct AES256: ~Copyable {
    public static let blockSize = 16
    public static let keySize = 32

    private let context: OpaquePointer  // <EVP_CIPHER_CTX>, owned; its copy of the key is wiped by OpenSSL

    /// Without a key: give it one before the first block.
    public init() {
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        let result = EVP_EncryptInit_ex(context, EVP_aes_256_ecb(), nil, nil, nil)
        precondition(result == 1, "this OpenSSL has no AES-256")
        // Padding would come with the end, which is never asked for: switching it off costs a quarter of each new key.
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// `key` has 32 bytes.
    public mutating func setKey(_ key: borrowing SecretBytes) {
        precondition(key.count == AES256.keySize, "an AES-256 key has 32 bytes")
        key.withUnsafeBytes { setKey($0) }
    }

    /// Writes over all that was derived from the key.
    public mutating func eraseKey() {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: AES256.keySize) { zeros in
            zeros.initialize(repeating: 0)
            if let key = zeros.baseAddress { setKey(UnsafePointer(key)) }
        }
    }

    private func setKey(_ key: UnsafePointer<UInt8>) {
        let result = EVP_EncryptInit_ex(context, nil, nil, key, nil)
        precondition(result == 1, "AES-256 takes every key")
    }

    /// Encrypts `count` bytes in place, whole blocks, each by itself.
    public func encrypt(_ blocks: UnsafeMutablePointer<UInt8>, count: Int) {
        precondition(count % AES256.blockSize == 0 && count <= Int32.max, "whole blocks only")
        var written: Int32 = 0
        let result = EVP_EncryptUpdate(context, blocks, &written, blocks, Int32(count))
        precondition(result == 1 && Int(written) == count, "AES-256 cannot fail once it has its key")
    }
}

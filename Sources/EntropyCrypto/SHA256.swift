import COpenSSL

/// SHA-256 (FIPS 180-4), over parts as they come.
public struct SHA256: ~Copyable {
    /// Bytes in a digest.
    public static let size = 32

    private let context: OpaquePointer  // <EVP_MD_CTX>, owned

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("out of memory") }
        self.context = context
        start()
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ bytes: [UInt8]) {
        let result = EVP_DigestUpdate(context, bytes, bytes.count)
        precondition(result == 1, "SHA-256 cannot fail once it was started")
    }

    /// The digest of all that was given; afterwards the value is as new.
    public mutating func finish() -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: SHA256.size)
        let result = EVP_DigestFinal_ex(context, &digest, nil)
        precondition(result == 1, "SHA-256 cannot fail once it was started")
        start()
        return digest
    }

    private func start() {
        // Fails only where libcrypto has no SHA-256 at all: then nothing in this program can work.
        let result = EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(result == 1, "this OpenSSL has no SHA-256")
    }

    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(bytes)
        return hash.finish()
    }
}

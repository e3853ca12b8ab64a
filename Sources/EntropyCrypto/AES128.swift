import COpenSSL

/// AES-128 in cipher feedback mode (SP 800-38A, 6.3), as a TPM encrypts with it.
public enum AES128 {
    public static let keySize = 16

    /// Encrypts under a key that is used once, so that the initialization vector is zero. `key` has 16 bytes.
    public static func encryptCFB(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        precondition(key.count == keySize, "an AES-128 key has 16 bytes")
        guard let context = EVP_CIPHER_CTX_new() else { preconditionFailure("out of memory") }
        defer { EVP_CIPHER_CTX_free(context) }
        let vector = [UInt8](repeating: 0, count: 16)
        var encrypted = [UInt8](repeating: 0, count: bytes.count)
        var written: Int32 = 0
        let result =
            EVP_EncryptInit_ex(context, EVP_aes_128_cfb128(), nil, key, vector) == 1
            && EVP_EncryptUpdate(context, &encrypted, &written, bytes, Int32(clamping: bytes.count)) == 1
        precondition(result && Int(written) == bytes.count, "AES-128 cannot fail once it has its key")
        return encrypted
    }
}

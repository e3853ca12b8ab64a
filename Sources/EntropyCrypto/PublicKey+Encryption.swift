import COpenSSL

extension PublicKey {
    /// RSAES-OAEP with SHA-256 (RFC 8017, 7.1). `label` is hashed as it is: a TPM's ends with a zero byte. Fails for a key
    /// that is not RSA, and for a message that is too long for it.
    public func encryptOAEP(_ message: [UInt8], label: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard case .rsa = algorithm else { throw CryptoError(.unsupportedKey, "only RSA keys encrypt") }
        return try withKey { (key) throws(CryptoError) in
            let context = try OpenSSL.require(EVP_PKEY_CTX_new(key, nil), "EVP_PKEY_CTX_new")
            defer { EVP_PKEY_CTX_free(context) }
            try OpenSSL.check(EVP_PKEY_encrypt_init(context), "EVP_PKEY_encrypt_init")
            try OpenSSL.check(
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), "EVP_PKEY_CTX_set_rsa_padding")
            try OpenSSL.check(
                EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()), "EVP_PKEY_CTX_set_rsa_oaep_md")
            // The context takes the copy over, unless it refuses it.
            let copy = openssl_copy(label, label.count)
            do throws(CryptoError) {
                try OpenSSL.check(
                    EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, Int32(clamping: label.count)),
                    "EVP_PKEY_CTX_set0_rsa_oaep_label")
            } catch {
                openssl_free(copy)
                throw error
            }
            var count = 0
            try OpenSSL.check(
                EVP_PKEY_encrypt(context, nil, &count, message, message.count), "EVP_PKEY_encrypt")
            var encrypted = [UInt8](repeating: 0, count: count)
            try OpenSSL.check(
                EVP_PKEY_encrypt(context, &encrypted, &count, message, message.count), "EVP_PKEY_encrypt")
            return Array(encrypted.prefix(count))
        }
    }
}

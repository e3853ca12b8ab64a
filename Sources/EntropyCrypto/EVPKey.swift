import COpenSSL
import Platform

/// An OpenSSL key of a kind that is used here, owned. Never changed after it was made, so that threads may share it.
struct EVPKey: ~Copyable, @unchecked Sendable {
    let pointer: OpaquePointer  // <EVP_PKEY>, owned
    let algorithm: KeyAlgorithm

    /// Takes `pointer` over. Refuses every kind of key but RSA of 2048 to 4096 bits and P-256.
    init(owning pointer: OpaquePointer) throws(CryptoError) {
        do {
            algorithm = try EVPKey.judge(pointer)
        } catch {
            EVP_PKEY_free(pointer)
            throw error
        }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    private static func algorithm(of key: OpaquePointer) throws(CryptoError) -> KeyAlgorithm {
        if EVP_PKEY_is_a(key, "RSA") == 1 {
            let bits = EVP_PKEY_get_bits(key)
            guard KeyAlgorithm.rsaSizes.contains(bits) else {
                throw CryptoError(.unsupportedKey, "RSA keys have 2048 to 4096 bits here, this one has \(bits)")
            }
            return .rsa(bits: bits)
        }
        if EVP_PKEY_is_a(key, "EC") == 1 {
            var name = [CChar](repeating: 0, count: 64)
            let known = EVP_PKEY_get_utf8_string_param(key, "group", &name, name.count, nil)
            ERR_clear_error()
            let group = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard known == 1, Text.areEqual(group, "prime256v1") else {
                throw CryptoError(.unsupportedKey, "elliptic-curve keys are on P-256 here, this one is on \(group)")
            }
            return .ecdsaP256
        }
        let kind = EVP_PKEY_get0_type_name(key).map { String(cString: $0) } ?? "unknown"
        throw CryptoError(.unsupportedKey, "an RSA or P-256 key is needed, this one is \(kind)")
    }

    /// Refuses numbers that are no key: an RSA exponent of 1 or an even one, for which anyone can sign, or a point that is
    /// not on the curve (SP 800-89, 5.3.3; SP 800-56A, 5.6.2.3.3).
    private static func judge(_ key: OpaquePointer) throws(CryptoError) -> KeyAlgorithm {
        let algorithm = try algorithm(of: key)
        // First: OpenSSL's check of a modulus draws lots, and what it says of a weak one differs.
        if case .rsa = algorithm, WeakModulus.matches(key) {
            throw CryptoError(
                .unsupportedKey,
                "this key is one of those that Infineon's chips made before 2018 (ROCA, CVE-2017-15361): who has its "
                    + "public half can compute the private one; update the firmware, or use P-256")
        }
        let context = try OpenSSL.require(EVP_PKEY_CTX_new(key, nil), "EVP_PKEY_CTX_new")
        defer {
            EVP_PKEY_CTX_free(context)
            ERR_clear_error()
        }
        guard EVP_PKEY_public_check(context) == 1 else {
            throw CryptoError(.unsupportedKey, "the numbers of this key are no public key")
        }
        return algorithm
    }

    /// PSS parameters for RSA; nothing for ECDSA.
    func configure(_ context: OpaquePointer?, saltLength: Int32) throws(CryptoError) {
        guard case .rsa = algorithm else { return }
        try OpenSSL.check(
            EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), "EVP_PKEY_CTX_set_rsa_padding")
        try OpenSSL.check(
            EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltLength), "EVP_PKEY_CTX_set_rsa_pss_saltlen")
    }

    /// What one of the i2d functions writes.
    func encode(
        _ function: StaticString, _ i2d: (OpaquePointer, UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws(CryptoError) -> [UInt8] {
        var der: UnsafeMutablePointer<UInt8>?
        let count = i2d(pointer, &der)
        guard count > 0, let der else { throw OpenSSL.failure(function) }
        defer { openssl_clear_free(der, Int(count)) }
        return Array(UnsafeBufferPointer(start: der, count: Int(count)))
    }
}

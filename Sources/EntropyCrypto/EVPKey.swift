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
                let found = known == 1 ? group : "a curve that has no name"
                throw CryptoError(.unsupportedKey, "elliptic-curve keys are on P-256 here, this one is on \(found)")
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

    /// The public half as SubjectPublicKeyInfo, in the one form that `PublicKey.pkix` has.
    func canonicalPKIX() throws(CryptoError) -> [UInt8] {
        // OpenSSL keeps the form that a point and a curve were read in. Of an RSA key it keeps the numbers only.
        guard algorithm == .ecdsaP256 else { return try encode("i2d_PUBKEY") { i2d_PUBKEY($0, $1) } }
        return EVPKey.headerOfP256 + (try coordinate("qx")) + (try coordinate("qy"))
    }

    /// Everything before the coordinates: id-ecPublicKey, prime256v1, and 4 for an uncompressed point (RFC 5480, 2).
    private static let headerOfP256: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ]

    private func coordinate(_ name: String) throws(CryptoError) -> [UInt8] {
        var number: OpaquePointer?  // <BIGNUM>, owned
        try OpenSSL.check(EVP_PKEY_get_bn_param(pointer, name, &number), "EVP_PKEY_get_bn_param")
        defer { BN_free(number) }
        var bytes = [UInt8](repeating: 0, count: 32)
        guard BN_bn2binpad(number, &bytes, 32) == 32 else { throw OpenSSL.failure("BN_bn2binpad") }
        return bytes
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

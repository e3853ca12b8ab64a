import COpenSSL
import Platform

/// A signing key in a file and in this process's memory: for tests, and for a machine without a TPM. Whoever copies the
/// file has the key.
public final class SoftwareSigner: Signer {
    private let key: EVPKey
    public let publicKey: PublicKey

    /// From PKCS#1, SEC 1 or PKCS#8, DER or PEM, without a passphrase.
    public init(_ file: [UInt8]) throws(CryptoError) {
        var der = file
        let pem = try PEM.decode(file, .secret)
        if let pem {
            guard !pem.has(label: "TSS2 PRIVATE KEY") else { throw CryptoError(.tpmKey, "this is the key of a TPM") }
            guard !pem.has(label: "ENCRYPTED PRIVATE KEY") else {
                throw CryptoError(.encryptedKey, "the key is encrypted with a passphrase, which is not supported")
            }
            der = pem.der
        }
        defer { wipe(&der) }
        guard let pointer = SoftwareSigner.decode(der) else {
            throw CryptoError(.notAKey, UnfitKeyFile.message(file, pem, wanted: .privateKey))
        }
        let key = try EVPKey(owning: pointer)
        publicKey = try SoftwareSigner.publicHalf(of: key)
        self.key = key
    }

    /// True for a private key of any kind in DER.
    static func holds(_ der: [UInt8]) -> Bool {
        guard let key = decode(der) else { return false }
        EVP_PKEY_free(key)
        return true
    }

    /// OpenSSL's key from all of `der`; nil for everything else.
    private static func decode(_ der: [UInt8]) -> OpaquePointer? {
        defer { ERR_clear_error() }
        return der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            guard let key = d2i_AutoPrivateKey(nil, &position, buffer.count) else { return nil }
            guard position == buffer.baseAddress.map({ $0 + buffer.count }) else {
                EVP_PKEY_free(key)
                return nil
            }
            return key
        }
    }

    /// A new key.
    public init(generating algorithm: KeyAlgorithm) throws(CryptoError) {
        let isRSA = algorithm != .ecdsaP256
        let context = try OpenSSL.require(
            EVP_PKEY_CTX_new_from_name(nil, isRSA ? "RSA" : "EC", nil), "EVP_PKEY_CTX_new_from_name")
        defer { EVP_PKEY_CTX_free(context) }
        try OpenSSL.check(EVP_PKEY_keygen_init(context), "EVP_PKEY_keygen_init")
        switch algorithm {
        case .rsa(let bits):
            guard KeyAlgorithm.rsaSizes.contains(bits) else {
                throw CryptoError(.unsupportedKey, "RSA keys have 2048 to 4096 bits here, not \(bits)")
            }
            try OpenSSL.check(EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits), "EVP_PKEY_CTX_set_rsa_keygen_bits")
        case .ecdsaP256:
            try OpenSSL.check(EVP_PKEY_CTX_set_group_name(context, "prime256v1"), "EVP_PKEY_CTX_set_group_name")
        }
        var pointer: OpaquePointer?
        try OpenSSL.check(EVP_PKEY_generate(context, &pointer), "EVP_PKEY_generate")
        let key = try EVPKey(owning: try OpenSSL.require(pointer, "EVP_PKEY_generate"))
        publicKey = try SoftwareSigner.publicHalf(of: key)
        self.key = key
    }

    public func sign(_ message: [UInt8]) throws(SignerError) -> [UInt8] {
        let signature: [UInt8]
        do {
            signature = try computeSignature(of: message)
        } catch {
            throw SignerError(.refused, error.message)
        }
        guard publicKey.verify(signature, of: message) else {
            throw SignerError(.wrongSignature, "the key does not belong to its public half: make a new one")
        }
        return signature
    }

    /// The key as a file in its traditional form, PKCS#1 for RSA and SEC 1 for P-256, DER or PEM. Wipe it.
    public func file(pem: Bool) throws(CryptoError) -> [UInt8] {
        var der = try key.encode("i2d_PrivateKey") { i2d_PrivateKey($0, $1) }
        guard pem else { return der }
        defer { wipe(&der) }
        return try PEM(label: key.algorithm == .ecdsaP256 ? "EC PRIVATE KEY" : "RSA PRIVATE KEY", der: der).encode()
    }

    private func computeSignature(of message: [UInt8]) throws(CryptoError) -> [UInt8] {
        let context = try OpenSSL.require(EVP_MD_CTX_new(), "EVP_MD_CTX_new")
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?  // <EVP_PKEY_CTX>, borrowed from `context`
        try OpenSSL.check(
            EVP_DigestSignInit(context, &parameters, EVP_sha256(), nil, key.pointer), "EVP_DigestSignInit")
        try key.configure(parameters, saltLength: RSA_PSS_SALTLEN_DIGEST)
        var count = 0
        try OpenSSL.check(EVP_DigestSign(context, nil, &count, message, message.count), "EVP_DigestSign")
        var signature = [UInt8](repeating: 0, count: count)
        try OpenSSL.check(EVP_DigestSign(context, &signature, &count, message, message.count), "EVP_DigestSign")
        return Array(signature.prefix(count))
    }

    private static func publicHalf(of key: borrowing EVPKey) throws(CryptoError) -> PublicKey {
        try PublicKey(try key.encode("i2d_PUBKEY") { i2d_PUBKEY($0, $1) })
    }
}

import COpenSSL
import Platform

/// A signer's public key: what a sink's configuration holds and every packet is verified with.
public final class PublicKey: Sendable {
    /// The longest key file that is read; an RSA-4096 key in PEM has 800 bytes.
    public static let maximumFileSize = 16384

    private let key: EVPKey
    public let algorithm: KeyAlgorithm
    /// SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7) in its canonical form, whatever form the key was read in: one key has
    /// one identity. rsaEncryption with NULL, or id-ecPublicKey with a named curve and an uncompressed point; integers are
    /// positive and minimal.
    public let pkix: [UInt8]

    /// From PKIX or PKCS#1, in DER, PEM or base64. The original wrote PKIX under the PEM label `RSA PUBLIC KEY`: both readings
    /// of that label are accepted. Nothing may follow the key. Refuses all keys but RSA of 2048 to 4096 bits and P-256, and
    /// numbers that are no public key.
    public convenience init(_ file: [UInt8]) throws(CryptoError) {
        let pem = try PEM.decode(file)
        if let pem, !pem.has(label: "PUBLIC KEY"), !pem.has(label: "RSA PUBLIC KEY") {
            throw CryptoError(.notAKey, UnfitKeyFile.message(file, pem, wanted: .publicKey))
        }
        let pointer = PublicKey.decode(pem?.der ?? file) ?? Base64.decode(line: file).flatMap(PublicKey.decode)
        guard let pointer else { throw CryptoError(.notAKey, UnfitKeyFile.message(file, pem, wanted: .publicKey)) }
        try self.init(owning: pointer)
    }

    init(owning pointer: OpaquePointer) throws(CryptoError) {
        let given = try EVPKey(owning: pointer)
        let canonical = try given.canonicalPKIX()
        algorithm = given.algorithm
        pkix = canonical
        if try given.encode("i2d_PUBKEY", { i2d_PUBKEY($0, $1) }) == canonical {
            key = given
        } else {
            // A curve that was written out as numbers is never used: the named one is.
            key = try EVPKey(owning: try OpenSSL.require(PublicKey.decode(canonical), "d2i_PUBKEY"))
        }
    }

    /// True when `signature` is this key's over SHA-256 of `message`: RSASSA-PSS with any salt length, or ECDSA.
    public func verify(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        verify(signature, of: message, saltLength: RSA_PSS_SALTLEN_AUTO)
    }

    /// Bytes of salt in an RSASSA-PSS signature over SHA-256 of `message`; nil for ECDSA, and for a wrong signature.
    public func saltLength(of signature: [UInt8], over message: [UInt8]) -> Int? {
        guard case .rsa(let bits) = algorithm, verify(signature, of: message) else { return nil }
        // RFC 8017, 9.1.1: the encoded message holds the salt, a digest and two bytes.
        let longest = (bits - 1 + 7) / 8 - Int32(SHA256.size) - 2
        // The two in use first: a digest's length, and as many as there is room for.
        let candidates = [Int32(SHA256.size), longest] + Array(0...longest)
        return candidates.first { verify(signature, of: message, saltLength: $0) }.map { Int($0) }
    }

    private func verify(_ signature: [UInt8], of message: [UInt8], saltLength: Int32) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()  // a wrong signature fills the queue
        }
        var parameters: OpaquePointer?  // <EVP_PKEY_CTX>, borrowed from `context`
        guard EVP_DigestVerifyInit(context, &parameters, EVP_sha256(), nil, key.pointer) == 1 else { return false }
        do throws(CryptoError) {
            try key.configure(parameters, saltLength: saltLength)
        } catch { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// Lends OpenSSL's key.
    func withKey<R>(_ body: (OpaquePointer) throws(CryptoError) -> R) throws(CryptoError) -> R {
        try body(key.pointer)
    }

    /// SHA-256 of `pkix` in hexadecimal: what sha256sum says of the DER file.
    public var fingerprint: String { hexadecimal(SHA256.hash(pkix)) }

    /// The key as a file: PKIX DER, or the same in PEM.
    public func file(pem: Bool) throws(CryptoError) -> [UInt8] {
        pem ? try PEM(label: "PUBLIC KEY", der: pkix).encode() : pkix
    }

    /// True for a public key of any kind in DER.
    static func holds(_ der: [UInt8]) -> Bool {
        guard let key = decode(der) else { return false }
        EVP_PKEY_free(key)
        return true
    }

    /// OpenSSL's key from PKIX or PKCS#1 in DER; nil for everything else.
    private static func decode(_ der: [UInt8]) -> OpaquePointer? {
        decode(der) { d2i_PUBKEY(nil, $0, $1) } ?? decode(der) { d2i_PublicKey(EVP_PKEY_RSA, nil, $0, $1) }
    }

    /// A d2i function over all of `der`: nil unless it takes every byte.
    private static func decode(
        _ der: [UInt8], _ d2i: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> OpaquePointer?
    ) -> OpaquePointer? {
        defer { ERR_clear_error() }
        return der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            guard let key = d2i(&position, buffer.count) else { return nil }
            guard position == buffer.baseAddress.map({ $0 + buffer.count }) else {
                EVP_PKEY_free(key)
                return nil
            }
            return key
        }
    }
}

/// Two digits for each byte.
public func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.reduce("") { $0 + ($1 < 16 ? "0" : "") + String($1, radix: 16) }
}

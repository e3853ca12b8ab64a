import COpenSSL
import Platform

/// A signer's public key: what a sink's configuration holds and every packet is verified with.
public final class PublicKey: Sendable {
    /// The longest key file that is read; an RSA-4096 key in PEM has 800 bytes.
    public static let maximumFileSize = 16384

    private let key: EVPKey
    public let algorithm: KeyAlgorithm
    /// SubjectPublicKeyInfo in DER (RFC 5280, 4.1.2.7), rsaEncryption or id-ecPublicKey.
    public let pkix: [UInt8]

    /// From PKIX or PKCS#1, DER or PEM. The original wrote PKIX under the PEM label `RSA PUBLIC KEY`: both readings of
    /// that label are accepted. Nothing may follow the key, and the key is judged: RSA of 2048 to 4096 bits, or P-256.
    public convenience init(_ file: [UInt8]) throws(CryptoError) {
        var der = file
        if let pem = try PEM.decode(file) {
            guard pem.has(label: "PUBLIC KEY") || pem.has(label: "RSA PUBLIC KEY") else {
                throw CryptoError(.notAKey, "a PEM PUBLIC KEY is expected, this is a \(pem.label)")
            }
            der = pem.der
        }
        let pointer =
            PublicKey.decode(der) { d2i_PUBKEY(nil, $0, $1) }
            ?? PublicKey.decode(der) { d2i_PublicKey(EVP_PKEY_RSA, nil, $0, $1) }
        guard let pointer else {
            throw CryptoError(.notAKey, "not a public key: PKIX (SubjectPublicKeyInfo) is expected")
        }
        try self.init(owning: pointer)
    }

    init(owning pointer: OpaquePointer) throws(CryptoError) {
        let key = try EVPKey(owning: pointer)
        algorithm = key.algorithm
        pkix = try key.encode("i2d_PUBKEY") { i2d_PUBKEY($0, $1) }
        self.key = key
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

import EntropyCrypto
import Platform

// Reading keys from files; every error names the file.

extension PublicKey {
    /// A signer's public key, PKIX or PKCS#1, DER or PEM.
    public static func read(_ path: String) throws(StateError) -> PublicKey {
        let bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize)
        do throws(CryptoError) { return try PublicKey(bytes) } catch { throw .key(file: path, error) }
    }
}

extension CertificateAuthorities {
    /// Certificates in PEM of those who are trusted to issue others.
    public static func read(_ path: String) throws(StateError) -> CertificateAuthorities {
        let bytes = try StateFile.contents(of: path, limit: Certificate.maximumFileSize)
        do throws(CryptoError) { return try CertificateAuthorities(bytes) } catch { throw .key(file: path, error) }
    }
}

extension BoxPublicKey {
    /// The PEM label that the original gives to such a key.
    public static let label: StaticString = "CURVE25519 PUBLIC KEY"

    /// A sink's public key: 32 raw bytes, or the same in PEM.
    /// 32 bytes do not say which half of a pair they are: a name that ends in `.key` does.
    public static func read(_ path: String) throws(StateError) -> BoxPublicKey {
        guard !path.utf8.reversed().starts(with: ".key".utf8.reversed()) else {
            throw .key(file: path, CryptoError(.notAKey, "the name is a private key's; the .pub beside it is expected"))
        }
        let bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize)
        do throws(CryptoError) { return try BoxPublicKey(decoding: bytes) } catch { throw .key(file: path, error) }
    }

    /// What such a file holds.
    package init(decoding file: [UInt8]) throws(CryptoError) {
        try self.init(try rawKey(file, BoxPublicKey.label))
        try requireUsable()
    }
}

extension BoxPrivateKey {
    /// The PEM label that the original gives to such a key.
    public static let label: StaticString = "CURVE25519 PRIVATE KEY"

    /// A sink's private key: 32 raw bytes, or the same in PEM. `warn` gets a line when others may read the file.
    public static func read(_ path: String, warn: (String) -> Void) throws(StateError) -> BoxPrivateKey {
        guard !path.utf8.reversed().starts(with: ".pub".utf8.reversed()) else {
            throw .key(file: path, CryptoError(.notAKey, "the name is a public key's; the .key beside it is expected"))
        }
        var bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize, secret: true, warn: warn)
        defer { wipe(&bytes) }
        do throws(CryptoError) { return try BoxPrivateKey(decoding: bytes) } catch { throw .key(file: path, error) }
    }

    /// What such a file holds.
    package convenience init(decoding file: [UInt8]) throws(CryptoError) {
        var raw = try rawKey(file, BoxPrivateKey.label)
        try self.init(moving: &raw)
    }
}

/// What a PEM block with this label holds, or the bytes themselves where there is no PEM.
private func rawKey(_ bytes: [UInt8], _ label: StaticString) throws(CryptoError) -> [UInt8] {
    // 32 raw bytes are never PEM: the shortest boundary alone is longer.
    guard bytes.count != BoxPublicKey.size, let pem = try PEM.decode(bytes) else { return bytes }
    guard pem.has(label: label) else {
        throw CryptoError(.notAKey, "a PEM \(label.description) is expected, this is a \(pem.label)")
    }
    return pem.der
}

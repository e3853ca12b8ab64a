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

extension BoxPublicKey {
    /// The PEM label that the original gives to such a key.
    public static let label: StaticString = "CURVE25519 PUBLIC KEY"

    /// A sink's public key: 32 raw bytes, or the same in PEM.
    public static func read(_ path: String) throws(StateError) -> BoxPublicKey {
        let bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize)
        do throws(CryptoError) {
            let key = try BoxPublicKey(try rawKey(bytes, label))
            try key.requireUsable()
            return key
        } catch { throw .key(file: path, error) }
    }
}

extension BoxPrivateKey {
    /// The PEM label that the original gives to such a key.
    public static let label: StaticString = "CURVE25519 PRIVATE KEY"

    /// A sink's private key: 32 raw bytes, or the same in PEM. `warn` gets a line when others may read the file.
    public static func read(_ path: String, warn: (String) -> Void) throws(StateError) -> BoxPrivateKey {
        var bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize, secret: true, warn: warn)
        defer { wipe(&bytes) }
        do throws(CryptoError) {
            var raw = try rawKey(bytes, label)
            return try BoxPrivateKey(moving: &raw)
        } catch { throw .key(file: path, error) }
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

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

    /// A sink's public key: 32 raw bytes, or the same in PEM, base64 or hexadecimal, or as OpenSSL writes X25519 keys.
    /// 32 bytes do not say which half of a pair they are: a name that ends in `.key` does.
    public static func read(_ path: String) throws(StateError) -> BoxPublicKey {
        guard !Text.ends(path, with: ".key") else {
            throw .key(file: path, CryptoError(.notAKey, "the name is a private key's; the .pub beside it is expected"))
        }
        let bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize)
        do throws(CryptoError) { return try BoxPublicKey(decoding: bytes) } catch { throw .key(file: path, error) }
    }

    /// What stands before the key in SubjectPublicKeyInfo (RFC 8410, 4).
    fileprivate static let x25519 = Form(
        label: "PUBLIC KEY", header: [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00])

    /// What such a file holds.
    package init(decoding file: [UInt8]) throws(CryptoError) {
        try self.init(try rawKey(file, BoxPublicKey.label, x25519: BoxPublicKey.x25519))
        try requireUsable()
    }
}

extension BoxPrivateKey {
    /// The PEM label that the original gives to such a key.
    public static let label: StaticString = "CURVE25519 PRIVATE KEY"

    /// A sink's private key, in the same forms. `warn` gets a line when others may read the file.
    public static func read(_ path: String, warn: (String) -> Void) throws(StateError) -> BoxPrivateKey {
        guard !Text.ends(path, with: ".pub") else {
            throw .key(file: path, CryptoError(.notAKey, "the name is a public key's; the .key beside it is expected"))
        }
        var bytes = try StateFile.contents(of: path, limit: PublicKey.maximumFileSize, secret: true, warn: warn)
        defer { wipe(&bytes) }
        do throws(CryptoError) { return try BoxPrivateKey(decoding: bytes) } catch { throw .key(file: path, error) }
    }

    /// What stands before the key in PKCS#8 (RFC 8410, 7).
    fileprivate static let x25519 = Form(
        label: "PRIVATE KEY",
        header: [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20])

    /// What such a file holds.
    package convenience init(decoding file: [UInt8]) throws(CryptoError) {
        var raw = try rawKey(file, BoxPrivateKey.label, x25519: BoxPrivateKey.x25519)
        try self.init(moving: &raw)
    }
}

/// How OpenSSL writes an X25519 key: the PEM label, and the DER before the 32 bytes.
private struct Form {
    let label: StaticString
    let header: [UInt8]
}

/// The 32 bytes of a key in any of its forms; other bytes as they are, whose length is refused then.
private func rawKey(_ file: [UInt8], _ label: StaticString, x25519: Form) throws(CryptoError) -> [UInt8] {
    // 32 raw bytes are never PEM: the shortest boundary alone is longer.
    guard file.count != BoxPublicKey.size else { return file }
    let pem = try PEM.decode(file)
    if let pem, pem.has(label: label) { return pem.der }
    if pem?.has(label: x25519.label) ?? true {
        let der = pem?.der ?? file
        if der.count == x25519.header.count + BoxPublicKey.size, der.starts(with: x25519.header) {
            return Array(der.suffix(BoxPublicKey.size))
        }
    }
    if let pem {
        throw CryptoError(.notAKey, "a PEM \(label.description) is expected, this is a \(pem.label)")
    }
    // 64 hexadecimal digits would be base64 of 48 bytes.
    if let key = hexadecimal(line: file) { return key }
    if let key = Base64.decode(line: file), key.count == BoxPublicKey.size { return key }
    if let found = otherKind(file) {
        throw CryptoError(.wrongLength, "a Curve25519 key has 32 bytes, this one has \(file.count): \(found)")
    }
    return file
}

/// What a file is that holds no key of a sink.
private func otherKind(_ file: [UInt8]) -> String? {
    if file.isEmpty { return "the file is empty" }
    if (try? PublicKey(file)) != nil { return "it is a source's signing key; the sink's decrypt.pub is expected" }
    if file.count == BoxPublicKey.size + 1, file.last == UInt8(ascii: "\n") {
        return "an editor or echo added a line feed: head -c 32 FILE"
    }
    if Text.begins(file[...], with: "ssh-") || Text.begins(file[...], with: "ecdsa-sha2-") { return "it is an SSH key" }
    return nil
}

/// The bytes that a text file of one line has in hexadecimal.
private func hexadecimal(line file: [UInt8]) -> [UInt8]? {
    var digits = file[...]
    while let last = digits.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { digits.removeLast() }
    guard digits.count == 2 * BoxPublicKey.size else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(BoxPublicKey.size)
    var high: UInt8?
    for digit in digits {
        let value: UInt8
        switch digit {
        case 0x30...0x39: value = digit - 0x30
        case 0x41...0x46, 0x61...0x66: value = (digit | 0x20) - 0x61 + 10
        default: return nil
        }
        if let before = high { bytes.append(before << 4 | value) }
        high = high == nil ? value : nil
    }
    return bytes
}

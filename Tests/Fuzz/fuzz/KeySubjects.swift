import EntropyCrypto
import EntropyState
import TPM

/// Key files: what is accepted is accepted again once it was written, in DER and in PEM, and is the same key.
let keySubjects = [
    Subject(name: "public-key") { readPublicKey($0) },
    Subject(name: "private-key") { readPrivateKey($0) },
    Subject(name: "pem") { readPEM($0) },
    Subject(name: "box-key") { readBoxKey($0) },
    Subject(name: "tpm-key") { readTPMKey($0) },
    Subject(name: "tpm-structure") { readTPMStructure($0) },
]

private func readPublicKey(_ bytes: [UInt8]) -> Bool {
    guard let key = try? PublicKey(bytes) else { return false }
    for pem in [false, true] {
        guard let file = try? key.file(pem: pem), let again = retrying({ try? PublicKey(file) }) else {
            fatalError("a public key is refused once it was written")
        }
        require(again.pkix == key.pkix && again.algorithm == key.algorithm, "a public key is not read as it is written")
    }
    return true
}

private func readPrivateKey(_ bytes: [UInt8]) -> Bool {
    guard let key = try? SoftwareSigner(bytes) else { return false }
    for pem in [false, true] {
        guard let file = try? key.file(pem: pem), let again = retrying({ try? SoftwareSigner(file) }) else {
            fatalError("a private key is refused once it was written")
        }
        require((try? again.file(pem: pem)) == file, "a private key is not read as it is written")
        require(again.publicKey.pkix == key.publicKey.pkix, "a private key has another public half")
    }
    return true
}

private func readPEM(_ bytes: [UInt8]) -> Bool {
    guard let pem = try? PEM.decode(bytes) else { return false }
    guard let text = try? pem.encode(), let again = try? PEM.decode(text) else {
        fatalError("a PEM block is refused once it was written")
    }
    require(again.label.utf8.elementsEqual(pem.label.utf8) && again.der == pem.der, "PEM is not read as it is written")
    return true
}

private func readBoxKey(_ bytes: [UInt8]) -> Bool {
    let publicKey = try? BoxPublicKey(decoding: bytes)
    if let key = publicKey {
        let pem = try? PEM(label: BoxPublicKey.label.description, der: key.bytes).encode()
        require(pem.flatMap { try? BoxPublicKey(decoding: $0) } == key, "a sink's public key is another one in PEM")
        require((try? BoxPublicKey(decoding: key.bytes)) == key, "a sink's public key is another one in raw bytes")
    }
    let privateKey = try? BoxPrivateKey(decoding: bytes)
    if let key = privateKey {
        let pem = try? PEM(label: BoxPrivateKey.label.description, der: key.copyBytes()).encode()
        let again = pem.flatMap { try? BoxPrivateKey(decoding: $0) }
        require(again?.publicKey == key.publicKey, "a sink's private key is another one in PEM")
    }
    return publicKey != nil || privateKey != nil
}

private func readTPMKey(_ bytes: [UInt8]) -> Bool {
    guard let key = try? TPMKeyFile(decoding: bytes) else { return false }
    require(TPMKeyFile.matches(bytes), "a TPM's key is taken for another one's")
    guard let text = try? key.encode(), let again = try? TPMKeyFile(decoding: text) else {
        fatalError("a TPM's key is refused once it was written")
    }
    require(again.emptyAuth == key.emptyAuth && again.parent == key.parent, "a TPM's key changes once it was written")
    require(
        again.publicPart == key.publicPart && again.privatePart == key.privatePart,
        "a TPM's key changes once it was written")
    _ = readTPMStructure(key.publicPart)
    return true
}

/// The structures of TPM 2.0 Library, Part 2, that come in files.
private func readTPMStructure(_ bytes: [UInt8]) -> Bool {
    let isCredential = (try? Credential(keyName: [], identityObject: bytes, encryptedSeed: bytes).judge()) != nil
    guard let area = try? TPMPublicArea(unmarshalling: bytes) else { return isCredential }
    require((try? area.marshalled()) == bytes, "a public area has a second form")
    return true
}

import EntropyCrypto

/// A secret that only one TPM can read, and only while it holds one other key: what binds an attestation key to an
/// endorsement key (TPM 2.0 Library, Part 1, 24). Made without a TPM, opened by TPM2_ActivateCredential.
public struct Credential: Sendable {
    /// The Name of the key that must be in the TPM beside the endorsement key.
    public let keyName: [UInt8]
    /// A marshalled TPM2B_ID_OBJECT: the secret, encrypted and bound to the other key's Name.
    public let identityObject: [UInt8]
    /// A marshalled TPM2B_ENCRYPTED_SECRET: the seed of that encryption, for the endorsement key alone.
    public let encryptedSeed: [UInt8]

    public init(keyName: [UInt8], identityObject: [UInt8], encryptedSeed: [UInt8]) {
        self.keyName = keyName
        self.identityObject = identityObject
        self.encryptedSeed = encryptedSeed
    }

    /// Seals at most 32 bytes for the TPM whose endorsement key, of the RSA 2048 template, is `endorsementKey`, and for the
    /// key of this Name in it. `seed` has 32 random bytes, used once.
    public static func make(
        _ secret: [UInt8], for endorsementKey: PublicKey, keyNamed name: [UInt8], seed: [UInt8]
    ) throws(CryptoError) -> Credential {
        // Labels end with a zero byte, which is part of them.
        let encryptedSeed = try endorsementKey.encryptOAEP(seed, label: Array("IDENTITY".utf8) + [0])
        var key = derive(seed, "STORAGE", name, bits: 128)
        defer { wipe(&key) }
        let encrypted = AES128.encryptCFB(key: Array(key.prefix(AES128.keySize)), sized(secret))
        var integrityKey = derive(seed, "INTEGRITY", [], bits: 256)
        defer { wipe(&integrityKey) }
        let integrity = HMAC.sha256(key: integrityKey, encrypted + name)
        return Credential(
            keyName: name, identityObject: sized(sized(integrity) + encrypted), encryptedSeed: sized(encryptedSeed))
    }

    /// Fails unless both parts are what they should be, as far as that can be seen without the TPM.
    public func judge() throws(TPMError) {
        _ = try TPM.identityObject(unmarshalling: identityObject)
        _ = try TPM.encryptedSecret(unmarshalling: encryptedSeed)
    }

    /// KDFa with SHA-256 for at most 256 bits (Part 1, 11.4.10.2): one block of SP 800-108's counter mode.
    private static func derive(_ key: [UInt8], _ label: StaticString, _ context: [UInt8], bits: UInt16) -> [UInt8] {
        let labelBytes = Array(label.description.utf8)
        return HMAC.sha256(
            key: key, [0, 0, 0, 1] + labelBytes + [0] + context + [0, 0, UInt8(bits >> 8), UInt8(bits & 0xff)])
    }

    /// A TPM2B: two bytes of size, and the bytes.
    private static func sized(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: bytes.count >> 8), UInt8(truncatingIfNeeded: bytes.count)] + bytes
    }
}

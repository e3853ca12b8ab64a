import EntropyCrypto
import EntropyState
import TPM

// The four files that go between a board and a verifier: byte strings in base64, in one JSON object each.

/// Bytes of such a file at the most; an endorsement certificate has less than two thousand.
private let maximumSize = 65536

extension TPMIdentity {
    /// What `rsagen --attest` wrote without a challenge.
    public init(reading path: String) throws(StateError) {
        let reader = try FieldReader(
            reading: path, limit: maximumSize, expecting: "an object that `rsagen --attest` wrote")
        self.init(
            certificate: try reader.requiredBytes("EndorsementCertificate"),
            attestationKey: try reader.requiredBytes("AttestationKey"))
    }

    public func encode() -> [UInt8] {
        encodeObject([("EndorsementCertificate", certificate), ("AttestationKey", attestationKey)])
    }
}

extension Credential {
    /// What `rsagen --make-challenge` wrote for the board.
    public init(reading path: String) throws(StateError) {
        let reader = try FieldReader(
            reading: path, limit: maximumSize, expecting: "an object that `rsagen --make-challenge` wrote")
        self.init(
            keyName: try reader.requiredBytes("AttestationKeyName"),
            identityObject: try reader.requiredBytes("Credential"), encryptedSeed: try reader.requiredBytes("Seed"))
        do throws(TPMError) {
            try judge()
        } catch {
            throw reader.wrong("Credential", "a challenge, but it is damaged (\(error.message))")
        }
    }

    public func encode() -> [UInt8] {
        encodeObject([("AttestationKeyName", keyName), ("Credential", identityObject), ("Seed", encryptedSeed)])
    }
}

/// What a verifier keeps of a challenge, for itself alone: who knows the nonce needs no TPM to answer.
public struct ChallengeSecret: Sendable {
    /// 32 random bytes that only the challenged TPM can read.
    let nonce: [UInt8]
    /// The challenged attestation key's Name.
    let attestationKeyName: [UInt8]
    /// SHA-256 of the challenged TPM's certificate.
    let certificateDigest: [UInt8]

    init(nonce: [UInt8], attestationKeyName: [UInt8], certificateDigest: [UInt8]) {
        self.nonce = nonce
        self.attestationKeyName = attestationKeyName
        self.certificateDigest = certificateDigest
    }

    /// What `rsagen --make-challenge` kept. `warn` gets a line when others may read it.
    public init(reading path: String, warn: (String) -> Void) throws(StateError) {
        let reader = try FieldReader(
            reading: path, limit: maximumSize, secret: true,
            expecting: "an object that `rsagen --make-challenge` wrote", warn: warn)
        nonce = try reader.requiredBytes("Nonce")
        guard nonce.count == Challenge.nonceSize else { throw reader.wrong("Nonce", "\(Challenge.nonceSize) bytes") }
        attestationKeyName = try reader.requiredBytes("AttestationKeyName")
        certificateDigest = try reader.requiredBytes("CertificateDigest")
    }

    public func encode() -> [UInt8] {
        encodeObject([
            ("Nonce", nonce), ("AttestationKeyName", attestationKeyName), ("CertificateDigest", certificateDigest),
        ])
    }
}

/// What a board shows to prove that a signing key lives in its TPM.
public struct Proof: Sendable {
    let identity: TPMIdentity
    /// The signing key's public area, a marshalled TPM2B_PUBLIC.
    let key: [UInt8]
    let attestation: Attestation

    /// What `rsagen --attest` wrote for a challenge.
    public init(reading path: String) throws(StateError) {
        let reader = try FieldReader(
            reading: path, limit: maximumSize, expecting: "an object that `rsagen --attest --challenge` wrote")
        identity = TPMIdentity(
            certificate: try reader.requiredBytes("EndorsementCertificate"),
            attestationKey: try reader.requiredBytes("AttestationKey"))
        key = try reader.requiredBytes("Key")
        attestation = Attestation(
            statement: try reader.requiredBytes("Statement"), signature: try reader.requiredBytes("Signature"))
    }

    init(identity: TPMIdentity, key: [UInt8], attestation: Attestation) {
        self.identity = identity
        self.key = key
        self.attestation = attestation
    }

    public func encode() -> [UInt8] {
        encodeObject([
            ("EndorsementCertificate", identity.certificate), ("AttestationKey", identity.attestationKey), ("Key", key),
            ("Statement", attestation.statement), ("Signature", attestation.signature),
        ])
    }
}

private func encodeObject(_ members: [(StaticString, [UInt8])]) -> [UInt8] {
    let document = JSONDocument(empty: .object)
    for (name, bytes) in members { document.value.set(name, Base64.encode(bytes)) }
    return document.encode()
}

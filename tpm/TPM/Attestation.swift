import CTSS2
import EntropyCrypto

/// A TPM's signed word about a key of its own (TPM 2.0 Library, Part 2, 10.12).
public struct Attestation: Sendable {
    /// A marshalled TPMS_ATTEST.
    public let statement: [UInt8]
    /// By a restricted key, over `statement`; a DER ECDSA-Sig-Value.
    public let signature: [UInt8]

    public init(statement: [UInt8], signature: [UInt8]) {
        self.statement = statement
        self.signature = signature
    }

    /// What the statement says, once the signature is known to be right.
    public struct Contents: Sendable {
        /// The nonce that was asked for.
        public let nonce: [UInt8]
        /// The Name of the key that it is about.
        public let keyName: [UInt8]
        /// True when it says that the TPM made the key, false when it says that it holds it.
        public let isAboutCreation: Bool
    }

    /// Nil unless the statement was made by a TPM itself, which its first bytes show, and is about a key or its creation.
    public func contents() -> Contents? {
        // TPM_GENERATED: a restricted key signs nothing that begins with it, unless the TPM made it.
        guard statement.starts(with: [0xff, 0x54, 0x43, 0x47]),
            let attest = try? attestation(unmarshalling: statement)
        else { return nil }
        let nonce = bytes(of: attest.extraData)
        switch attest.type {
        case TPM2_ST_ATTEST_CREATION:
            let name = bytes(of: attest.attested.creation.objectName)
            return Contents(nonce: nonce, keyName: name, isAboutCreation: true)
        case TPM2_ST_ATTEST_CERTIFY:
            let name = bytes(of: attest.attested.certify.name)
            return Contents(nonce: nonce, keyName: name, isAboutCreation: false)
        default: return nil
        }
    }
}

/// A public area as others hand it over, judged step by step by whoever has to trust it.
public struct UnjudgedPublicArea: Sendable {
    private let area: TPM2B_PUBLIC

    /// From a marshalled TPM2B_PUBLIC, which must fill all of `bytes`.
    public init(unmarshalling bytes: [UInt8]) throws(TPMError) { area = try publicArea(unmarshalling: bytes) }

    /// Its Name, when it is made with SHA-256 (Part 1, 16).
    public func name() throws(TPMError) -> [UInt8] {
        guard area.publicArea.nameAlg == TPM2_ALG_SHA256 else {
            throw TPMError(.unusableKey, "its Name is made with another hash than SHA-256")
        }
        return TPMPublicArea.name(of: try marshalled(area.publicArea))
    }

    /// A key that can vouch for others: restricted, made in its TPM, never to leave it.
    public func attestationKey() throws(TPMError) -> TPMPublicArea { try TPMPublicArea(area, for: .attestation) }

    /// A key that can sign packets, made in its TPM, never to leave it.
    public func signingKey() throws(TPMError) -> TPMPublicArea { try TPMPublicArea(area, for: .packets) }
}

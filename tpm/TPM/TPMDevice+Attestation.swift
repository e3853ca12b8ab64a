import EntropyCrypto

/// What a TPM shows of itself to a verifier.
public struct TPMIdentity: Sendable {
    /// The maker's certificate of the endorsement key, an X.509 certificate in DER, perhaps with more behind it.
    public let certificate: [UInt8]
    /// The attestation key's public area, a marshalled TPM2B_PUBLIC.
    public let attestationKey: [UInt8]

    public init(certificate: [UInt8], attestationKey: [UInt8]) {
        self.certificate = certificate
        self.attestationKey = attestationKey
    }
}

extension TPMDevice {
    /// Reads the endorsement certificate and derives the attestation key.
    public func identity() throws(TPMError) -> TPMIdentity {
        try perform { (context, _) throws(TPMError) in
            let certificate = try context.endorsementCertificate()
            let key = try context.createAttestationKey()
            defer { context.flush(key) }
            return TPMIdentity(certificate: certificate, attestationKey: try marshalled(try context.readPublic(key)))
        }
    }

    /// Opens a credential that was made for this TPM and its attestation key. May take over 10 s on hardware.
    public func activate(_ credential: Credential) throws(TPMError) -> [UInt8] {
        try perform { (context, _) throws(TPMError) in
            let endorsementKey = try context.createEndorsementKey()
            defer { context.flush(endorsementKey) }
            let attestationKey = try context.createAttestationKey()
            defer { context.flush(attestationKey) }
            return try context.activate(credential, attestationKey, endorsementKey)
        }
    }

    /// Has the attestation key certify a signing key of this TPM, with `nonce` (at most 64 bytes) in its statement. Without
    /// a proof of its creation the key's own password is needed.
    public func attest(
        _ location: TPMKeyLocation, authValue: AuthValue?, proof: CreationProof?, nonce: [UInt8]
    ) throws(TPMError) -> Attestation {
        let area = try publicArea(of: location)
        return try perform { (context, _) throws(TPMError) in
            let key: LoadedObject
            switch location {
            case .file(let file): key = try context.load(file, area)
            case .handle(let handle): key = try context.persistentObject(handle)
            }
            defer { context.flush(key) }
            try context.authorize(key, with: authValue)
            let attestationKey = try context.createAttestationKey()
            defer { context.flush(attestationKey) }
            return try context.certify(key, proof, by: attestationKey, nonce: nonce)
        }
    }
}

import CTSS2
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
    /// Reads the endorsement certificate and derives the attestation key. Fails when the certificate is about another
    /// endorsement key than the one that is derived by the usual template. May take over 10 s on hardware.
    public func identity() throws(TPMError) -> TPMIdentity {
        try perform { (context, _) throws(TPMError) in
            let certificate = try context.endorsementCertificate()
            let certified = try TPMDevice.publicKey(in: certificate)
            let endorsementKey = try context.createEndorsementKey()
            let derived = try TPMDevice.publicKey(of: endorsementKey, context)
            guard certified.pkix == derived.pkix else {
                throw TPMError(
                    .unusableKey,
                    "this TPM's certificate is about another endorsement key than the one of the usual template (L-1): "
                        + "its endorsement seed was changed, or it has a template of its own, which is not supported")
            }
            let key = try context.createAttestationKey()
            defer { context.flush(key) }
            return TPMIdentity(certificate: certificate, attestationKey: try marshalled(try context.readPublic(key)))
        }
    }

    /// The key that the certificate is about.
    private static func publicKey(in certificate: [UInt8]) throws(TPMError) -> PublicKey {
        let place = "this TPM's NV index 0x1c00002, where its endorsement certificate should be,"
        if let first = certificate.first, certificate.allSatisfy({ $0 == first }) {
            throw TPMError(
                .unusableKey,
                "\(place) holds \(certificate.count) bytes of 0x\(String(first, radix: 16)): it was erased, or never written; "
                    + "without a certificate a TPM can prove nothing")
        }
        do throws(CryptoError) {
            return try Certificate(startOf: certificate).publicKey()
        } catch {
            throw TPMError(.unusableKey, "\(place) holds something else: \(error.message)")
        }
    }

    /// Flushes the key.
    private static func publicKey(of key: LoadedObject, _ context: TPMContext) throws(TPMError) -> PublicKey {
        defer { context.flush(key) }
        let area = try context.readPublic(key)
        do throws(CryptoError) {
            return try PublicKey(try TPMPublicArea.pkix(area.publicArea))
        } catch {
            throw TPMError(.unusableKey, "endorsement key: \(error.message)")
        }
    }

    /// Opens a credential that was made for this TPM and its attestation key. May take over 10 s on hardware.
    public func activate(_ credential: Credential) throws(TPMError) -> [UInt8] {
        try perform { (context, _) throws(TPMError) in
            // Before the two keys take their slots: a primary comes and goes with it.
            _ = try context.session(encrypting: .both)
            let attestationKey = try context.createAttestationKey()
            defer { context.flush(attestationKey) }
            // Not left to the TPM: one that is given another's challenge may go into failure mode (libtpms 0.9.2 does).
            guard try context.name(of: attestationKey) == credential.keyName else {
                throw TPMError(.foreignKey, "the challenge was made for another TPM")
            }
            let endorsementKey = try context.createEndorsementKey()
            defer { context.flush(endorsementKey) }
            return try context.activate(credential, attestationKey, endorsementKey)
        }
    }

    /// Has the attestation key certify a signing key of this TPM, with `nonce` (at most 64 bytes) in its statement. Without
    /// a proof of its creation the key's own password is needed.
    public func attest(
        _ location: TPMKeyLocation, _ area: TPMPublicArea, authValue: AuthValue?, proof: CreationProof?, nonce: [UInt8]
    ) throws(TPMError) -> Attestation {
        try perform { (context, _) throws(TPMError) in
            let key = try context.obtain(location, area)
            defer { context.flush(key) }
            if proof == nil {
                try area.requirePassword(authValue, of: location)
                try context.authorize(key, with: authValue)
            }
            let attestationKey = try context.createAttestationKey()
            defer { context.flush(attestationKey) }
            do throws(TPMError) {
                return try context.certify(key, proof, by: attestationKey, nonce: nonce)
            } catch {
                throw context.explaining(error, area)
            }
        }
    }
}

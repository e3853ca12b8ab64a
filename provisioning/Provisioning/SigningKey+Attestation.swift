import EntropyCrypto
import TPM

extension SigningKey {
    /// Answers a challenge: only the TPM that it was made for can. May take over 10 s on hardware.
    public func prove(_ challenge: Credential, in device: TPMDevice) throws(ProvisioningError) -> Proof {
        guard case .tpm(let location, let credentials) = kind else { throw .softwareKey(place) }
        if let record = credentials.record { device.requirePrimary(named: record.primaryName) }
        let area = try publicArea(device)
        do throws(TPMError) {
            let nonce = try device.activate(challenge)
            let attestation = try device.attest(
                location, authValue: credentials.authValue, proof: credentials.record?.proof, nonce: nonce)
            return Proof(identity: try device.identity(), key: try area.marshalled(), attestation: attestation)
        } catch {
            throw .tpm(file: place, error)
        }
    }
}

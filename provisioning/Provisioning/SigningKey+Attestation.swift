import EntropyCrypto
import TPM

extension SigningKey {
    /// Answers a challenge, which was read from `path`: only the TPM that it was made for can. May take over 20 s on
    /// hardware.
    public func prove(_ challenge: Credential, from path: String, in device: TPMDevice) throws(ProvisioningError)
        -> Proof
    {
        guard case .tpm(let location, let credentials) = kind else { throw .softwareKey(place) }
        device.expect(location, primaryName: credentials.record?.primaryName)
        let area = try publicArea(device)
        let nonce: [UInt8]
        do throws(TPMError) { nonce = try device.activate(challenge) } catch { throw .tpm(file: path, error) }
        do throws(TPMError) {
            let attestation = try device.attest(
                location, area,
                authValue: credentials.record?.proof == nil ? try credentials.password(location, area, device) : nil,
                proof: credentials.record?.proof, nonce: nonce)
            return Proof(identity: try device.identity(), key: try area.marshalled(), attestation: attestation)
        } catch {
            throw .tpm(file: place, error)
        }
    }
}

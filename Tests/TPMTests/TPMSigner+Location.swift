@testable import TPM

extension TPMSigner {
    /// A signer with whatever key is found there.
    convenience init(_ location: TPMKeyLocation, authValue: AuthValue?, in device: TPMDevice) throws(TPMError) {
        try self.init(location, try device.publicArea(of: location), authValue: authValue, in: device)
    }
}

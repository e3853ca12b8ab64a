import EntropyCrypto
import EntropyState
import TPM

/// What can be said of a signing key and of the TPM that it lives in.
public struct KeyInspection {
    /// A key as it was found.
    struct Key {
        let place: String
        let publicKey: PublicKey
        /// Nil for a software key.
        let tpm: InTPM?
    }

    /// What only a TPM's key has.
    struct InTPM {
        let isPersistent: Bool
        /// A key file's parent: a hierarchy, or a persistent handle.
        let parent: UInt32?
        let attributes: ObjectAttributes
        let name: [UInt8]
        /// Nil where the owner's password would be needed to know it.
        let primaryName: [UInt8]?
        let record: RecordState
        let trial: Trial
    }

    enum RecordState {
        case none
        case matches(path: String, saltLength: Int64?)
        /// The key, or else the TPM.
        case differs(path: String, isKey: Bool)
    }

    /// What came of one signature.
    enum Trial {
        /// With so many bytes of salt; nil for ECDSA.
        case signed(saltLength: Int?)
        /// It was not tried, or refused, and why.
        case refused(String)
    }

    let key: Key?
    /// Nil when only a software key was looked at. As it was before anything was loaded: what this look itself takes up
    /// does not count as taken.
    let properties: TPMProperties?
    /// As it is after the signature.
    let lockout: LockoutState?

    /// Looks at a key and its TPM, and signs once: with the password that is given, or with the empty one where a wrong
    /// try does not count.
    public init(_ key: SigningKey, in device: TPMDevice) throws(ProvisioningError) {
        switch key.kind {
        case .software(let signer):
            self.key = Key(place: key.place, publicKey: signer.publicKey, tpm: nil)
            (properties, lockout) = (nil, nil)
        case .tpm(let location, let credentials):
            do throws(TPMError) {
                properties = try device.properties()
                let area = try device.publicArea(of: location)
                device.expect(location, primaryName: nil)
                let primaryName = try KeyInspection.primaryName(credentials.record, device)
                let record = KeyInspection.compare(credentials, area, primaryName)
                let tpm = InTPM(
                    isPersistent: location.isPersistent, parent: location.parent, attributes: area.attributes,
                    name: area.name, primaryName: primaryName, record: record,
                    trial: KeyInspection.sign(location, area, credentials, record, device))
                self.key = Key(place: key.place, publicKey: area.publicKey, tpm: tpm)
                lockout = try device.lockout()
            } catch {
                throw .tpm(file: key.place, error)
            }
        }
    }

    /// Looks at a TPM alone.
    public init(_ device: TPMDevice) throws(ProvisioningError) {
        key = nil
        do throws(TPMError) {
            properties = try device.properties()
            lockout = try device.lockout()
        } catch {
            throw .tpm(file: "", error)
        }
    }

    private static func primaryName(_ record: TPMRecord?, _ device: TPMDevice) throws(TPMError) -> [UInt8]? {
        do throws(TPMError) {
            return try device.primaryName(recorded: record?.primaryName)
        } catch {
            guard error.code == .hierarchyAuthorization, record == nil else { throw error }
            return nil
        }
    }

    private static func compare(
        _ credentials: SigningKey.Credentials, _ area: TPMPublicArea, _ primaryName: [UInt8]?
    ) -> RecordState {
        guard let record = credentials.record, let path = credentials.recordPath else { return .none }
        guard record.primaryName == primaryName else { return .differs(path: path, isKey: false) }
        guard record.keyName == area.name else { return .differs(path: path, isKey: true) }
        return .matches(path: path, saltLength: record.saltLength)
    }

    private static func sign(
        _ location: TPMKeyLocation, _ area: TPMPublicArea, _ credentials: SigningKey.Credentials, _ record: RecordState,
        _ device: TPMDevice
    ) -> Trial {
        let message = Array("entropyshare: rsagen --inspect".utf8)
        switch record {
        // The password is for the recorded key in the recorded TPM, and for nobody else.
        case .differs: return .refused("not tried: it is not the recorded key or TPM")
        case .matches: device.expect(location, primaryName: credentials.record?.primaryName)
        case .none: break
        }
        let signer: TPMSigner
        do throws(TPMError) {
            signer = try TPMSigner(
                location, area, authValue: try credentials.password(location, area, device), in: device)
        } catch { return .refused(error.message) }
        do throws(SignerError) {
            let signature = try signer.sign(message)
            return .signed(saltLength: signer.publicKey.saltLength(of: signature, over: message))
        } catch { return .refused(error.message) }
    }
}

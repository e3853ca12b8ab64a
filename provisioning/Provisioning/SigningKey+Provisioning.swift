import EntropyCrypto
import EntropyState
import TPM

// What a provisioning tool does with a key that exists already.
extension SigningKey {
    /// What is to be checked of the key's TPM from now on: trusts the one that is there now. Signs once.
    public func makeRecord(_ device: TPMDevice) throws(ProvisioningError) -> TPMRecord {
        guard case .tpm(_, let credentials) = kind else { throw .softwareKey(place) }
        let signer = try tpmSigner(device, warn: { _ in })
        let message = Array("entropyshare: how long is the salt?".utf8)
        let signature: [UInt8]
        do throws(SignerError) { signature = try signer.sign(message) } catch { throw .signing(file: place, error) }
        let area = try publicArea(device)
        do throws(TPMError) {
            return TPMRecord(
                keyName: area.name, primaryName: try device.primaryName(),
                saltLength: signer.publicKey.saltLength(of: signature, over: message).map { Int64($0) },
                proof: credentials.record?.proof)
        } catch {
            throw .tpm(file: place, error)
        }
    }

    /// Keeps a key file's key in the TPM under a persistent handle of the owner's, which must be free.
    public func persist(_ device: TPMDevice, at handle: UInt32) throws(ProvisioningError) {
        switch kind {
        case .software: throw .softwareKey(place)
        case .tpm(.handle, _): throw .persistentAlready(place)
        case .tpm(.file(let file), let credentials):
            device.expect(.file(file), primaryName: credentials.record?.primaryName)
            do throws(TPMError) { try device.persist(file, at: handle) } catch { throw .tpm(file: place, error) }
        }
    }
}

extension SigningKey {
    /// What a new key in the place of another one has to have as well.
    public struct Kinds: Sendable, Equatable {
        public let algorithm: KeyAlgorithm
        public let isInTPM: Bool
        public let hasPassword: Bool
        /// Wrong passwords, and power cuts, count towards the TPM's lockout.
        public let isGuarded: Bool

        public init(algorithm: KeyAlgorithm, isInTPM: Bool, hasPassword: Bool, isGuarded: Bool) {
            self.algorithm = algorithm
            self.isInTPM = isInTPM
            self.hasPassword = hasPassword
            self.isGuarded = isGuarded
        }

        /// For messages: "P-256 in the TPM with a password".
        public var text: String {
            "\(algorithm.shortName) \(isInTPM ? "in the TPM" : "in software")"
                + (hasPassword ? " with a password" : " without a password")
                + (isGuarded ? ", under dictionary-attack protection" : "")
        }
    }

    /// What a key file says of its key; nil for a handle, which says nothing of a password.
    public var kinds: Kinds? {
        switch kind {
        case .software(let signer):
            return Kinds(algorithm: signer.publicKey.algorithm, isInTPM: false, hasPassword: false, isGuarded: false)
        case .tpm(let location, let credentials):
            guard let area = credentials.area else { return nil }
            return Kinds(
                algorithm: area.publicKey.algorithm, isInTPM: true, hasPassword: location.isSaidToHaveAPassword,
                isGuarded: area.isUnderDictionaryAttackProtection)
        }
    }
}

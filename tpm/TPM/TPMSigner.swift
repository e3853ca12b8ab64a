import EntropyCrypto
import Platform

/// A signing key that lives in a TPM: loaded once, one TPM2_Sign for each signature.
public final class TPMSigner: Signer {
    private let device: TPMDevice
    private let file: TPMKeyFile
    private let area: TPMPublicArea
    private var loaded: (object: LoadedObject, generation: Int)?

    public var publicKey: PublicKey { area.publicKey }

    /// Loads the key. Fails when the file is damaged, the key is unfit, or the TPM does not answer or is another one.
    public init(_ file: TPMKeyFile, in device: TPMDevice) throws(TPMError) {
        self.device = device
        self.file = file
        area = try TPMPublicArea(unmarshalling: file.publicPart)
        // Without its password each try would fail, and under dictionary-attack protection lock the TPM in the end.
        guard file.emptyAuth != false, file.emptyAuth == true || !area.isUnderDictionaryAttackProtection else {
            throw TPMError(.wrongAuthorization, "this key has a password, which is not supported")
        }
        _ = try device.perform { (context, generation) throws(TPMError) in try self.load(context, generation) }
    }

    public func sign(_ message: [UInt8]) throws(SignerError) -> [UInt8] {
        let hash = SHA256.hash(message)
        let signature: [UInt8]
        do throws(TPMError) {
            signature = try device.perform { (context, generation) throws(TPMError) in
                try context.sign(hash, with: try self.load(context, generation), self.area)
            }
        } catch {
            let isPassing = error.exitCode == .unavailable
            throw SignerError(isPassing ? .unavailable : .refused, error.message)
        }
        guard publicKey.verify(signature, of: message) else {
            throw SignerError(.wrongSignature, "the TPM gave a signature that does not verify: it was thrown away")
        }
        return signature
    }

    /// The key's attributes in words, as the TPM itself reports them.
    public func reportedAttributes() throws(TPMError) -> String {
        try device.perform { (context, generation) throws(TPMError) in
            try context.readPublic(try self.load(context, generation)).attributeNames
        }
    }

    private func load(_ context: TPMContext, _ generation: Int) throws(TPMError) -> LoadedObject {
        if let loaded, loaded.generation == generation { return loaded.object }
        let object = try context.load(file, area)
        loaded = (object, generation)
        return object
    }
}

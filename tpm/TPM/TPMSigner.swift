import EntropyCrypto
import Platform

/// A signing key that lives in a TPM: loaded once, one TPM2_Sign for each signature.
public final class TPMSigner: Signer {
    private let device: TPMDevice
    private let location: TPMKeyLocation
    private let authValue: AuthValue?
    let area: TPMPublicArea
    private var loaded: (object: LoadedObject, generation: Int)?
    /// A password that was refused, and is not tried again: each try may bring the TPM nearer to its lockout.
    private var refusal: TPMError?
    private var hasSigned = false
    private var refusals = 0

    public var publicKey: PublicKey { area.publicKey }

    /// Loads the key of this public area. Fails when the file is damaged, the key has a password that is not given, or the
    /// TPM does not answer or is another one. Without a password the empty one is used, where a wrong one does not count.
    public init(
        _ location: TPMKeyLocation, _ area: TPMPublicArea, authValue: AuthValue?, in device: TPMDevice
    ) throws(TPMError) {
        self.device = device
        self.location = location
        self.authValue = authValue
        self.area = area
        try area.requirePassword(authValue, of: location)
        _ = try device.perform { (context, generation) throws(TPMError) in try self.load(context, generation) }
    }

    public func sign(_ message: [UInt8]) throws(SignerError) -> [UInt8] {
        try judge(Result { () throws(TPMError) in try signUnverified(message) }, of: message)
    }

    public func sign(each next: () -> [UInt8]?, take: (inout [UInt8], Result<[UInt8], SignerError>) -> Void) {
        // What the TPM said to the message before, which is looked at while it signs the next one.
        var before: (message: [UInt8], answer: Result<[UInt8], TPMError>)?
        func handOver() {
            guard var message = before?.message, let answer = before?.answer else { return }
            before = nil
            let judged = Result { () throws(SignerError) in try judge(answer, of: message) }
            take(&message, judged)
        }
        while let message = next() {
            let answer = Result { () throws(TPMError) in try signUnverified(message, meanwhile: handOver) }
            handOver()  // where the TPM did not come to signing
            before = (message, answer)
        }
        handOver()
    }

    private func judge(
        _ answer: Result<[UInt8], TPMError>, of message: [UInt8]
    ) throws(SignerError) -> [UInt8] {
        switch answer {
        case .success(let signature):
            guard publicKey.verify(signature, of: message) else {
                throw SignerError(.wrongSignature, "the TPM gave a signature that does not verify: it was thrown away")
            }
            return signature
        case .failure(let error):
            switch error.exitCode {
            case .unavailable: throw SignerError(.unavailable, error.message)
            case .permission: throw SignerError(.unauthorized, error.message)
            default: throw SignerError(.refused, error.message)
            }
        }
    }

    /// Signs once and throws the signature away: a password that is not the key's is told at the start and not with the
    /// first packet.
    public func checkPassword() throws(TPMError) {
        _ = try signUnverified(Array("entropyshare: is this the key's password?".utf8))
    }

    private func signUnverified(_ message: [UInt8], meanwhile: () -> Void = {}) throws(TPMError) -> [UInt8] {
        if let refusal { throw refusal }
        let hash = SHA256.hash(message)
        return try device.perform { (context, generation) throws(TPMError) in
            try self.sign(hash, context, try self.load(context, generation), meanwhile)
        }
    }

    private func sign(
        _ hash: [UInt8], _ context: TPMContext, _ key: LoadedObject, _ meanwhile: () -> Void
    ) throws(TPMError) -> [UInt8] {
        do throws(TPMError) {
            let signature = try context.sign(hash, with: key, area, meanwhile: meanwhile)
            hasSigned = true
            refusals = 0
            return signature
        } catch {
            guard error.code == .wrongAuthorization else { throw error }
            throw judge(error)
        }
    }

    /// To the TPM a command that was altered on its way looks like one with a wrong password. Where the password was right
    /// before that is likelier, and another try is made: at once where it costs nothing, with the next packet where it counts.
    private func judge(_ error: TPMError) -> TPMError {
        if hasSigned, !area.isUnderDictionaryAttackProtection {
            return TPMError(
                .contextLost, "a command was altered on its way to the TPM, or the key is another one now",
                response: error.response)
        }
        refusals += 1
        guard !hasSigned || refusals > 1 else { return error }
        let refusal =
            authValue != nil
            ? error : TPMError(error.code, "the key has a password: give it by --auth-file", response: error.response)
        self.refusal = refusal
        return refusal
    }

    private func load(_ context: TPMContext, _ generation: Int) throws(TPMError) -> LoadedObject {
        if let loaded, loaded.generation == generation { return loaded.object }
        let object: LoadedObject
        do throws(TPMError) {
            object = try context.obtain(location, area)
        } catch {
            // TPM_RC_AUTH_FAIL: it was counted (Part 2, 6.6.3).
            if error.code == .parentAuthorization, error.response & 0x3f == 0x0e { refusal = error }
            throw error
        }
        do throws(TPMError) {
            try context.authorize(object, with: authValue)
        } catch {
            context.flush(object)
            throw error
        }
        loaded = (object, generation)
        return object
    }
}

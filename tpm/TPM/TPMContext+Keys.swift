import CTSS2
import EntropyCrypto

// Making, loading and using signing keys.
extension TPMContext {
    /// Makes a key under `parent`; it is not loaded yet. May take over 30 s on hardware.
    func create(
        _ template: TPM2B_PUBLIC, under parent: LoadedObject, authValue: AuthValue?
    ) throws(TPMError) -> CreatedKey {
        var sensitive = TPM2B_SENSITIVE_CREATE()
        defer { withUnsafeMutableBytes(of: &sensitive) { wipe($0) } }
        try authValue?.withBuffer { (buffer) throws(TPMError) in sensitive.sensitive.userAuth = buffer }
        var template = template
        var outside = TPM2B_DATA()
        var registers = TPML_PCR_SELECTION()
        let session = try session(encrypting: .both)
        var privatePart: UnsafeMutablePointer<TPM2B_PRIVATE>?
        var publicPart: UnsafeMutablePointer<TPM2B_PUBLIC>?
        var data: UnsafeMutablePointer<TPM2B_CREATION_DATA>?
        var hash: UnsafeMutablePointer<TPM2B_DIGEST>?
        var ticket: UnsafeMutablePointer<TPMT_TK_CREATION>?
        try ResponseCode.check(
            Esys_Create(
                esys, parent.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &outside, &registers,
                &privatePart, &publicPart, &data, &hash, &ticket), "Esys_Create")
        defer {
            Esys_Free(privatePart)
            Esys_Free(publicPart)
            Esys_Free(data)
            Esys_Free(hash)
            Esys_Free(ticket)
        }
        guard let privatePart, let publicPart, let data, let hash, let ticket else {
            throw TPMError(.refused, "Esys_Create gave no key")
        }
        return CreatedKey(
            publicPart: try marshalled(publicPart.pointee), privatePart: try marshalled(privatePart.pointee),
            parentName: try name(of: parent),
            proof: CreationProof(
                data: try marshalled(data.pointee), hash: bytes(of: hash.pointee),
                ticket: try marshalled(ticket.pointee)))
    }

    /// Loads a key file's key, and flushes the primary that was derived for it.
    func load(_ file: TPMKeyFile, _ area: TPMPublicArea) throws(TPMError) -> LoadedObject {
        let wrapped: TPM2B_PRIVATE
        do throws(TPMError) {
            wrapped = try privateArea(unmarshalling: file.privatePart)
        } catch {
            throw TPMError(.badKeyFile, "its private part is \(error.message)")
        }
        let parent = try parent(of: file)
        defer { flush(parent) }
        return try load(
            wrapped, area.area, under: parent, authorizedBy: parent.isPersistent ? .parent(file.parent) : .none)
    }

    private func parent(of file: TPMKeyFile) throws(TPMError) -> LoadedObject {
        if file.isUnderOwner {
            guard file.isRSAParent else { return try createPrimary() }
            // It takes a slot, and so does the primary that a session is salted to.
            _ = try session(encrypting: .both)
            return try createPrimary(KeyTemplate.rsaStoragePrimary, in: .owner)
        }
        guard TPMHandle.persistent.contains(file.parent) else {
            throw TPMError(
                .unusableKey, "its parent \(TPMHandle.text(file.parent)) is neither the owner hierarchy nor persistent")
        }
        // Before it: ESAPI has one number for a persistent object, and a session may be salted to the same one.
        _ = try session(encrypting: .both)
        let parent = try persistentObject(file.parent)
        do throws(TPMError) {
            try authorizeParent(parent, file.parent)
        } catch {
            flush(parent)
            throw error
        }
        return parent
    }

    /// Gives a persistent parent its password. The empty one, on the off chance, only to one where a wrong one does not count.
    private func authorizeParent(_ parent: LoadedObject, _ handle: UInt32) throws(TPMError) {
        let attributes = ObjectAttributes(bits: try readPublic(parent).publicArea.objectAttributes)
        let name = "its parent \(TPMHandle.text(handle)) in the TPM"
        guard attributes.isStorageKey else {
            throw TPMError(.unusableKey, "\(name) is no key that others can have as parent; is this the right TPM?")
        }
        guard attributes.has(ObjectAttributes.userWithAuth) else {
            throw TPMError(.unusableKey, "\(name) can be used by a policy only, which is not supported")
        }
        guard let password = expectation.parentAuth else {
            guard attributes.has(ObjectAttributes.noDA) else {
                throw TPMError(
                    .parentAuthorization,
                    "\(name) may have a password, and wrong tries lock the TPM: give it by --parent-auth-file "
                        + "(an empty file where there is none)")
            }
            return
        }
        try setAuth(password, of: parent.handle)
    }

    /// Loads a key whose two parts are given.
    func load(
        _ privatePart: TPM2B_PRIVATE, _ publicPart: TPM2B_PUBLIC, under parent: LoadedObject,
        authorizedBy authorization: ResponseCode.Authorization = .none
    ) throws(TPMError) -> LoadedObject {
        var (privatePart, publicPart) = (privatePart, publicPart)
        let session = try session(encrypting: .both)
        var handle = ESYS_TR()
        let response = Esys_Load(
            esys, parent.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &privatePart, &publicPart, &handle)
        do throws(TPMError) {
            try ResponseCode.check(response, "Esys_Load", authorizedBy: authorization)
        } catch {
            guard error.code == .parentAuthorization, let lockout = try? lockoutState(), lockout.failedTries > 0 else {
                throw error
            }
            throw TPMError(error.code, "\(error.message): \(lockout.description)", response: error.response)
        }
        return keep(handle)
    }

    /// The key that is kept there, which must be the one of this public area.
    func obtain(_ location: TPMKeyLocation, _ area: TPMPublicArea) throws(TPMError) -> LoadedObject {
        switch location {
        case .file(let file): return try load(file, area)
        case .handle(let handle):
            let object = try persistentObject(handle)
            guard try name(of: object) == area.name else {
                flush(object)
                throw TPMError(
                    .foreignKey, "another key is kept at \(TPMHandle.text(handle)) now, or this is another TPM")
            }
            return object
        }
    }

    /// What is kept at a persistent handle.
    func persistentObject(_ handle: UInt32) throws(TPMError) -> LoadedObject {
        var object = ESYS_TR()
        let response = Esys_TR_FromTPMPublic(esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object)
        // TPM_RC_HANDLE, about the first handle.
        guard response != 0x18b else {
            throw TPMError(
                .noSuchHandle,
                "the TPM keeps nothing at \(TPMHandle.text(handle)); see `tpm2_getcap handles-persistent`")
        }
        try ResponseCode.check(response, "Esys_TR_FromTPMPublic")
        return keep(object, isPersistent: true)
    }

    /// Keeps a loaded key in the TPM under a persistent handle of the owner's, which must be free.
    func persist(_ key: LoadedObject, at handle: UInt32) throws(TPMError) {
        var object = ESYS_TR()
        let response = try authorized(by: .owner) { (authorization) in
            Esys_EvictControl(
                esys, ESYS_TR_RH_OWNER, key.handle, authorization, ESYS_TR_NONE, ESYS_TR_NONE, handle, &object)
        }
        // TPM_RC_NV_DEFINED: something lives there. TPM_RC_NV_SPACE: no room for another one.
        guard response != 0x14c else {
            // An answer that got lost has this done already.
            let there = try persistentObject(handle)
            defer { flush(there) }
            guard try name(of: there) == name(of: key) else { throw TPMContext.taken(handle) }
            return
        }
        guard response != 0x14b else {
            throw TPMError(
                .refused, "the TPM has no room for another persistent key; see `tpm2_getcap handles-persistent`")
        }
        try ResponseCode.check(response, "Esys_EvictControl", authorizedBy: .owner)
        _ = keep(object, isPersistent: true)
    }

    static func taken(_ handle: UInt32) -> TPMError {
        TPMError(
            .handleTaken,
            "the TPM keeps another object at \(TPMHandle.text(handle)), which was left as it is; "
                + "`tpm2_evictcontrol -C o -c \(TPMHandle.text(handle))` removes it")
    }

    /// Gives an object's authValue to ESAPI, which makes the session's HMAC with it.
    func authorize(_ object: LoadedObject, with authValue: AuthValue?) throws(TPMError) {
        if let authValue { try setAuth(authValue, of: object.handle) }
    }

    /// The public area of a key at hand as the TPM reports it.
    func readPublic(_ object: LoadedObject) throws(TPMError) -> TPM2B_PUBLIC {
        var area: UnsafeMutablePointer<TPM2B_PUBLIC>?
        try ResponseCode.check(
            Esys_ReadPublic(esys, object.handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nil, nil),
            "Esys_ReadPublic")
        defer { Esys_Free(area) }
        guard let area else { throw TPMError(.refused, "Esys_ReadPublic gave no public area") }
        return area.pointee
    }

    /// The signature over a SHA-256 digest, in the form of `Signer.sign`. `meanwhile` is called once the TPM has the command,
    /// and must not send it another one.
    func sign(
        _ hash: [UInt8], with key: LoadedObject, _ area: TPMPublicArea, meanwhile: () -> Void
    ) throws(TPMError) -> [UInt8] {
        var digest = digest(hash)
        var scheme = area.scheme
        // The digest was made outside the TPM: a null ticket says so, and only an unrestricted key accepts it.
        var ticket = TPMT_TK_HASHCHECK()
        ticket.tag = TPM2_ST_HASHCHECK
        ticket.hierarchy = TPM2_RH_NULL
        let session = try session(encrypting: .command)
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        do throws(TPMError) {
            try ResponseCode.check(
                Esys_Sign_Async(
                    esys, key.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme, &ticket), "Esys_Sign_Async"
            )
            meanwhile()
            // As Esys_Sign does it: waits for the answer, and once more where the TPM had the command sent again.
            var response: TSS2_RC
            repeat {
                response = Esys_Sign_Finish(esys, &signature)
            } while response & 0xffff == TSS2_BASE_RC_TRY_AGAIN
            try ResponseCode.check(response, "Esys_Sign", authorizedBy: .key)
        } catch {
            throw explaining(error, area)
        }
        defer { Esys_Free(signature) }
        guard let signature else { throw TPMError(.refused, "Esys_Sign gave no signature") }
        return signatureBytes(signature.pointee)
    }

    /// `count` bytes of the TPM's generator, encrypted on the bus; may give fewer in one answer, and never nothing.
    func random(_ count: Int) throws(TPMError) -> [UInt8] {
        var random: [UInt8] = []
        random.reserveCapacity(count)  // none of it is left behind by growing
        while random.count < count {
            let session = try session(encrypting: .response)
            var answer: UnsafeMutablePointer<TPM2B_DIGEST>?
            try ResponseCode.check(
                Esys_GetRandom(
                    esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
                    UInt16(clamping: min(count - random.count, 64)), &answer), "Esys_GetRandom")
            guard let answer, answer.pointee.size > 0 else { throw TPMError(.refused, "the TPM gave no random bytes") }
            defer {
                wipe(UnsafeMutableRawBufferPointer(start: answer, count: MemoryLayout<TPM2B_DIGEST>.size))
                Esys_Free(answer)
            }
            var part = bytes(of: answer.pointee)
            random += part.prefix(count - random.count)
            wipe(&part)
        }
        return random
    }

    /// True when the TPM can make keys of this algorithm and size.
    func supports(_ algorithm: KeyAlgorithm) throws(TPMError) -> Bool {
        var parameters = KeyTemplate.parameters(algorithm)
        let response = Esys_TestParms(esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &parameters)
        // Every refusal of the parameters themselves means "no"; a broken connection is no answer.
        if response == TSS2_RC_SUCCESS { return true }
        let error = ResponseCode.error(response, "Esys_TestParms")
        guard error.code == .refused, response >> 16 == 0, response & 0x80 != 0 else { throw error }
        return false
    }

    /// Where tries are counted a refused password, and a lockout more so, is told with the count.
    func explaining(_ error: TPMError, _ area: TPMPublicArea) -> TPMError {
        guard error.code == .lockout || (error.code == .wrongAuthorization && area.isUnderDictionaryAttackProtection),
            let lockout = try? lockoutState()
        else { return error }
        return TPMError(error.code, "\(error.message): \(lockout.description)", response: error.response)
    }
}

import CTSS2
import Platform

/// An open ESAPI context with one session: one thread, and every object that it loaded is flushed before it is finalized,
/// exactly once, when this value dies.
final class TPMContext {
    let esys: OpaquePointer  // <ESYS_CONTEXT>, owned; borrows `tcti` for life
    private let tcti: TCTI
    let expectation: TPMExpectation
    private var objects: [LoadedObject] = []
    private var session: TPMSession?

    /// Begins to talk to the TPM behind `tcti`.
    init(_ tcti: consuming TCTI, _ expectation: TPMExpectation) throws(TPMError) {
        var esys: OpaquePointer?
        try ResponseCode.check(Esys_Initialize(&esys, tcti.pointer, nil), "Esys_Initialize")
        guard let esys else { throw TPMError(.refused, "Esys_Initialize gave no context") }
        // The deadlines are those of `tcti`.
        Esys_SetTimeout(esys, TSS2_TCTI_TIMEOUT_BLOCK)  // fails for no context only
        self.esys = esys
        self.tcti = tcti
        self.expectation = expectation
    }

    deinit {
        for object in objects.reversed() { release(object) }
        var context: OpaquePointer? = esys
        Esys_Finalize(&context)
    }

    /// Keeps an object that was just loaded, until it is flushed or this context dies.
    func keep(_ handle: ESYS_TR, isPersistent: Bool = false) -> LoadedObject {
        let object = LoadedObject(handle: handle, isPersistent: isPersistent)
        objects.append(object)
        return object
    }

    /// Gives up an object: a loaded one leaves the TPM, a persistent one stays where it is.
    func flush(_ object: LoadedObject) {
        release(object)
        objects.removeAll { $0.handle == object.handle }
    }

    /// Frees the slot of an object or session. After an answer that it could not verify, an ESAPI context takes no further
    /// command; the layer below it still does. Where that fails too the connection is broken, and nothing else can be
    /// done: the slot is taken until the TPM is reset, or its resource manager notices.
    private func release(_ object: LoadedObject) {
        var handle = object.handle
        if object.isPersistent {
            _ = Esys_TR_Close(esys, &handle)  // frees memory only
            return
        }
        guard Esys_FlushContext(esys, handle) != TSS2_RC_SUCCESS else { return }
        var loaded = TPM2_HANDLE()
        var system: OpaquePointer?  // <TSS2_SYS_CONTEXT>, borrowed from `esys`
        guard Esys_TR_GetTpmHandle(esys, handle, &loaded) == TSS2_RC_SUCCESS,
            Esys_GetSysContext(esys, &system) == TSS2_RC_SUCCESS
        else { return }
        _ = Tss2_Sys_FlushContext(system, loaded)
    }

    /// Derives the primary of the owner hierarchy by `KeyTemplate.storagePrimary`. Fails when its Name is not the recorded
    /// one: then this is another TPM, or something between it and us.
    func createPrimary() throws(TPMError) -> LoadedObject {
        let primary = try createPrimary(KeyTemplate.storagePrimary, in: .owner)
        // The one moment when the primary is there anyway.
        if session == nil {
            do throws(TPMError) {
                try check(primary)
                session = try start(saltedTo: primary)
            } catch {
                flush(primary)
                throw error
            }
        }
        return primary
    }

    /// Derives a primary of a hierarchy by its template.
    func createPrimary(_ template: TPM2B_PUBLIC, in hierarchy: Hierarchy) throws(TPMError) -> LoadedObject {
        var sensitive = TPM2B_SENSITIVE_CREATE()
        var template = template
        var outside = TPM2B_DATA()
        var registers = TPML_PCR_SELECTION()
        var handle = ESYS_TR()
        let response = try authorized(by: hierarchy) { (authorization) in
            Esys_CreatePrimary(
                esys, hierarchy.handle, authorization, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &outside,
                &registers, &handle, nil, nil, nil, nil)
        }
        try ResponseCode.check(response, "Esys_CreatePrimary", authorizedBy: hierarchy.authorization)
        return keep(handle)
    }

    /// Runs a command that a hierarchy has to authorize. The empty password is sent as it is. The owner's password never crosses the
    /// bus: it is a key of an HMAC session's, which is salted to a key that only this start of the TPM has.
    func authorized(
        by hierarchy: Hierarchy, _ command: (ESYS_TR) throws(TPMError) -> TSS2_RC
    ) throws(TPMError) -> TSS2_RC {
        guard hierarchy == .owner, let password = expectation.ownerAuth else { return try command(ESYS_TR_PASSWORD) }
        try setAuth(password, of: ESYS_TR_RH_OWNER)
        if let session { return try command(session.encrypting(.nothing, esys)) }
        let temporary = try startWithoutOwner()
        defer { flush(LoadedObject(handle: temporary.handle, isPersistent: false)) }
        return try command(temporary.encrypting(.nothing, esys))
    }

    /// Has ESAPI use a password for an object; it is not sent.
    func setAuth(_ password: AuthValue, of object: ESYS_TR) throws(TPMError) {
        try password.withBuffer { (buffer) throws(TPMError) in
            try ResponseCode.check(Esys_TR_SetAuth(esys, object, &buffer), "Esys_TR_SetAuth")
        }
    }

    private func check(_ primary: LoadedObject) throws(TPMError) {
        guard let wanted = expectation.primaryName, try name(of: primary) != wanted else { return }
        throw TPMError(
            .foreignKey,
            "this is not the TPM that the key's record names: it was cleared or replaced, or something answers in its "
                + "place; if that was you, make a new key with rsagen")
    }

    private func start(saltedTo primary: LoadedObject) throws(TPMError) -> TPMSession {
        let started = try TPMSession(esys, saltedTo: primary.handle)
        _ = keep(started.handle)
        return started
    }

    /// A session that is salted to a primary of the null hierarchy, which needs no password. The next start of the TPM has
    /// another one: nothing can be recorded of it, so it protects from who listens, not from who answers in the TPM's place.
    private func startWithoutOwner() throws(TPMError) -> TPMSession {
        let primary = try createPrimary(KeyTemplate.storagePrimary, in: .null)
        defer { flush(primary) }
        return try start(saltedTo: primary)
    }

    /// The session, for a command that encrypts `what`.
    func session(encrypting what: TPMSession.Encryption) throws(TPMError) -> ESYS_TR {
        if session == nil { try startSession() }
        guard let session else { throw TPMError(.refused, "no session with the TPM could be started") }
        return try session.encrypting(what, esys)
    }

    /// Salts a session to the key's persistent parent, unless something else was recorded; or else to the owner's primary. Where
    /// the owner has a password that is not given, and nothing was recorded, to a key that needs none.
    private func startSession() throws(TPMError) {
        if let parent = try persistentAnchor() {
            defer { flush(parent) }
            session = try start(saltedTo: parent)
            return
        }
        do throws(TPMError) {
            flush(try createPrimary())
        } catch {
            guard error.code == .hierarchyAuthorization, expectation.primaryName == nil, expectation.ownerAuth == nil
            else {
                throw error
            }
            session = try startWithoutOwner()
        }
    }

    /// The persistent parent, where it is a storage key and no other one was recorded. Its Name needs no password.
    private func persistentAnchor() throws(TPMError) -> LoadedObject? {
        guard let handle = expectation.parent else { return nil }
        let parent = try persistentObject(handle)
        do throws(TPMError) {
            let attributes = ObjectAttributes(bits: try readPublic(parent).publicArea.objectAttributes)
            var isRecorded = true
            if let wanted = expectation.primaryName { isRecorded = try name(of: parent) == wanted }
            if attributes.isStorageKey, isRecorded { return parent }
        } catch {
            flush(parent)
            throw error
        }
        flush(parent)
        return nil
    }

    /// The Name of the key that sessions are salted to, by which the TPM is known again.
    /// Where it may be one of two, `recorded` decides.
    func anchorName(recorded: [UInt8]?) throws(TPMError) -> [UInt8] {
        if let parent = try persistentAnchor() {
            defer { flush(parent) }
            let name = try name(of: parent)
            if recorded == nil || recorded == name { return name }
        }
        let primary = try createPrimary()
        defer { flush(primary) }
        return try name(of: primary)
    }

    /// The Name of an object: its algorithm and digest (TPM 2.0 Library, Part 1, 16).
    func name(of object: LoadedObject) throws(TPMError) -> [UInt8] {
        var name: UnsafeMutablePointer<TPM2B_NAME>?
        try ResponseCode.check(Esys_TR_GetName(esys, object.handle, &name), "Esys_TR_GetName")
        defer { Esys_Free(name) }
        guard let name else { throw TPMError(.refused, "Esys_TR_GetName gave no name") }
        return bytes(of: name.pointee)
    }

    /// A TPM's hierarchies of keys (Part 1, 14), usable by an empty password unless their owner gave them another; the null
    /// hierarchy never has one.
    enum Hierarchy {
        case owner
        case endorsement
        case null

        var handle: ESYS_TR {
            switch self {
            case .owner: ESYS_TR_RH_OWNER
            case .endorsement: ESYS_TR_RH_ENDORSEMENT
            case .null: ESYS_TR_RH_NULL
            }
        }

        var authorization: ResponseCode.Authorization {
            switch self {
            case .owner: .owner
            case .endorsement: .hierarchy("endorsement")
            case .null: .hierarchy("null")
            }
        }
    }
}

/// What is known of the TPM, and of the key that is used in it, before it is opened.
struct TPMExpectation {
    /// The Name of the key that sessions are salted to; nil where nothing was recorded.
    var primaryName: [UInt8]?
    /// The persistent parent of the key.
    var parent: UInt32?
    /// Passwords of the owner hierarchy, and of that parent; nil where none was given.
    var ownerAuth: AuthValue?
    var parentAuth: AuthValue?
}

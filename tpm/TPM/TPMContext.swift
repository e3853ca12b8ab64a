import CTSS2
import Platform

/// An open ESAPI context with one session: one thread, and every object that it loaded is flushed before it is finalized,
/// exactly once, when this value dies.
final class TPMContext {
    let esys: OpaquePointer  // <ESYS_CONTEXT>, owned; borrows `tcti` for life
    private let tcti: TCTI
    private let primaryName: [UInt8]?
    private var objects: [LoadedObject] = []
    private var session: TPMSession?

    /// Begins to talk to the TPM behind `tcti`. `primaryName` is what the primary of the owner hierarchy
    /// must be called; nil where nothing was recorded.
    init(_ tcti: consuming TCTI, primaryName: [UInt8]?) throws(TPMError) {
        var esys: OpaquePointer?
        try ResponseCode.check(Esys_Initialize(&esys, tcti.pointer, nil), "Esys_Initialize")
        guard let esys else { throw TPMError(.refused, "Esys_Initialize gave no context") }
        // The deadlines are those of `tcti`.
        Esys_SetTimeout(esys, TSS2_TCTI_TIMEOUT_BLOCK)  // fails for no context only
        self.esys = esys
        self.tcti = tcti
        self.primaryName = primaryName
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
                let started = try TPMSession(esys, saltedTo: primary.handle)
                _ = keep(started.handle)
                session = started
            } catch {
                flush(primary)
                throw error
            }
        }
        return primary
    }

    /// Derives a primary of either hierarchy by its template.
    func createPrimary(_ template: TPM2B_PUBLIC, in hierarchy: Hierarchy) throws(TPMError) -> LoadedObject {
        var sensitive = TPM2B_SENSITIVE_CREATE()
        var template = template
        var outside = TPM2B_DATA()
        var registers = TPML_PCR_SELECTION()
        var handle = ESYS_TR()
        let response = Esys_CreatePrimary(
            esys, hierarchy.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &template, &outside,
            &registers, &handle, nil, nil, nil, nil)
        try ResponseCode.check(response, "Esys_CreatePrimary", authorizedBy: .hierarchy(hierarchy.name))
        return keep(handle)
    }

    private func check(_ primary: LoadedObject) throws(TPMError) {
        guard let primaryName, try name(of: primary) != primaryName else { return }
        throw TPMError(
            .foreignKey,
            "this is not the TPM that the key's record names: it was cleared or replaced, or something answers in its "
                + "place; if that was you, make a new key with rsagen")
    }

    /// The session, for a command that encrypts `what`.
    func session(encrypting what: TPMSession.Encryption) throws(TPMError) -> ESYS_TR {
        if session == nil { flush(try createPrimary()) }
        guard let session else { throw TPMError(.refused, "no session with the TPM could be started") }
        return try session.encrypting(what, esys)
    }

    /// The Name of an object: its algorithm and digest (TPM 2.0 Library, Part 1, 16).
    func name(of object: LoadedObject) throws(TPMError) -> [UInt8] {
        var name: UnsafeMutablePointer<TPM2B_NAME>?
        try ResponseCode.check(Esys_TR_GetName(esys, object.handle, &name), "Esys_TR_GetName")
        defer { Esys_Free(name) }
        guard let name else { throw TPMError(.refused, "Esys_TR_GetName gave no name") }
        return bytes(of: name.pointee)
    }

    /// A TPM's hierarchies of keys (Part 1, 14), both usable by an empty password unless their owner gave them another.
    enum Hierarchy {
        case owner
        case endorsement

        var handle: ESYS_TR { self == .owner ? ESYS_TR_RH_OWNER : ESYS_TR_RH_ENDORSEMENT }
        var name: StaticString { self == .owner ? "owner" : "endorsement" }
    }
}

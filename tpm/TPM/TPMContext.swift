import CTSS2
import EntropyCrypto
import Platform

/// An object that is loaded in the TPM, to be flushed by the context that loaded it.
struct LoadedObject {
    let handle: ESYS_TR
}

/// An open ESAPI context with one session: one thread, and every object that it loaded is flushed before it is finalized,
/// exactly once, when this value dies.
final class TPMContext {
    private let esys: OpaquePointer  // <ESYS_CONTEXT>, owned; borrows `tcti` for life
    private let tcti: TCTI
    private var loaded: [ESYS_TR] = []
    private var session: TPMSession?

    /// Opens the TPM behind a configuration of the TCTI loader.
    init(_ configuration: String) throws(TPMError) {
        // tpm2-tss writes its own lines to standard error, unless told otherwise; ours say what failed.
        Process.setEnvironment("TSS2_LOG", "all+none")
        let tcti = try TCTI(configuration)
        var esys: OpaquePointer?
        try ResponseCode.check(Esys_Initialize(&esys, tcti.pointer, nil), "Esys_Initialize")
        guard let esys else { throw TPMError(.refused, "Esys_Initialize gave no context") }
        self.esys = esys
        self.tcti = tcti
    }

    deinit {
        for handle in loaded.reversed() { release(handle) }
        var context: OpaquePointer? = esys
        Esys_Finalize(&context)
    }

    /// Flushes an object that this context loaded.
    func flush(_ object: LoadedObject) {
        release(object.handle)
        loaded.removeAll { $0 == object.handle }
    }

    /// Frees the slot of an object or session. After an answer that it could not verify, an ESAPI context takes no further
    /// command; the layer below it still does. Where that fails too the connection is broken, and nothing else can be
    /// done: the slot is taken until the TPM is reset, or its resource manager notices.
    private func release(_ handle: ESYS_TR) {
        guard Esys_FlushContext(esys, handle) != TSS2_RC_SUCCESS else { return }
        var object = TPM2_HANDLE()
        var system: OpaquePointer?  // <TSS2_SYS_CONTEXT>, borrowed from `esys`
        guard Esys_TR_GetTpmHandle(esys, handle, &object) == TSS2_RC_SUCCESS,
            Esys_GetSysContext(esys, &system) == TSS2_RC_SUCCESS
        else { return }
        _ = Tss2_Sys_FlushContext(system, object)
    }

    /// Derives the primary of the owner hierarchy by `KeyTemplate.primary`.
    func createPrimary() throws(TPMError) -> LoadedObject {
        var sensitive = TPM2B_SENSITIVE_CREATE()
        var template = KeyTemplate.primary
        var outside = TPM2B_DATA()
        var registers = TPML_PCR_SELECTION()
        var handle = ESYS_TR()
        try ResponseCode.check(
            Esys_CreatePrimary(
                esys, ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                &sensitive, &template, &outside, &registers, &handle, nil, nil, nil, nil), "Esys_CreatePrimary")
        let primary = keep(handle)
        // The one moment when the primary is there anyway.
        if session == nil {
            do throws(TPMError) {
                let started = try TPMSession(esys, saltedTo: handle)
                loaded.append(started.handle)
                session = started
            } catch {
                flush(primary)
                throw error
            }
        }
        return primary
    }

    /// The session, for a command that encrypts `what`.
    private func session(encrypting what: TPMSession.Encryption) throws(TPMError) -> ESYS_TR {
        if session == nil { flush(try createPrimary()) }
        guard let session else { throw TPMError(.refused, "no session with the TPM could be started") }
        return try session.encrypting(what, esys)
    }

    /// Makes a key under `parent`; it is not loaded yet. May take over 30 s on hardware.
    func create(_ algorithm: KeyAlgorithm, under parent: LoadedObject) throws(TPMError) -> (
        public: [UInt8], private: [UInt8]
    ) {
        var sensitive = TPM2B_SENSITIVE_CREATE()
        var template = KeyTemplate.signing(algorithm)
        var outside = TPM2B_DATA()
        var registers = TPML_PCR_SELECTION()
        let session = try session(encrypting: .both)
        var privatePart: UnsafeMutablePointer<TPM2B_PRIVATE>?
        var publicPart: UnsafeMutablePointer<TPM2B_PUBLIC>?
        try ResponseCode.check(
            Esys_Create(
                esys, parent.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &sensitive,
                &template, &outside, &registers, &privatePart, &publicPart, nil, nil, nil), "Esys_Create")
        defer {
            Esys_Free(privatePart)
            Esys_Free(publicPart)
        }
        guard let privatePart, let publicPart else { throw TPMError(.refused, "Esys_Create gave no key") }
        let publicBytes = try marshal(MemoryLayout<TPM2B_PUBLIC>.size, "Tss2_MU_TPM2B_PUBLIC_Marshal") {
            Tss2_MU_TPM2B_PUBLIC_Marshal(publicPart, $0, $1, $2)
        }
        let privateBytes = try marshal(MemoryLayout<TPM2B_PRIVATE>.size, "Tss2_MU_TPM2B_PRIVATE_Marshal") {
            Tss2_MU_TPM2B_PRIVATE_Marshal(privatePart, $0, $1, $2)
        }
        return (publicBytes, privateBytes)
    }

    /// Loads a key file's key, and flushes the primary that was derived for it.
    func load(_ file: TPMKeyFile, _ area: TPMPublicArea) throws(TPMError) -> LoadedObject {
        var wrapped = TPM2B_PRIVATE()
        var offset = 0
        let response = Tss2_MU_TPM2B_PRIVATE_Unmarshal(file.privatePart, file.privatePart.count, &offset, &wrapped)
        guard response == TSS2_RC_SUCCESS, offset == file.privatePart.count else {
            throw TPMError(.badKeyFile, "its private part is no TPM2B_PRIVATE")
        }
        var publicArea = area.area
        var handle = ESYS_TR()
        func load(under parent: ESYS_TR) throws(TPMError) {
            let session = try session(encrypting: .both)
            try ResponseCode.check(
                Esys_Load(
                    esys, parent, session, ESYS_TR_NONE, ESYS_TR_NONE, &wrapped,
                    &publicArea, &handle), "Esys_Load")
        }
        if file.parent == TPMKeyFile.ownerHierarchy {
            let primary = try createPrimary()
            defer { flush(primary) }
            try load(under: primary.handle)
        } else if file.parent >> 24 == 0x81 {
            try withPersistent(file.parent, load)
        } else {
            throw TPMError(
                .unusableKey,
                "its parent 0x\(String(file.parent, radix: 16)) is neither the owner hierarchy nor persistent")
        }
        return keep(handle)
    }

    /// The public area of a loaded key as the TPM reports it.
    func readPublic(_ object: LoadedObject) throws(TPMError) -> TPMPublicArea {
        var area: UnsafeMutablePointer<TPM2B_PUBLIC>?
        try ResponseCode.check(
            Esys_ReadPublic(
                esys, object.handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nil, nil),
            "Esys_ReadPublic")
        defer { Esys_Free(area) }
        guard let area else { throw TPMError(.refused, "Esys_ReadPublic gave no public area") }
        return try TPMPublicArea(area.pointee)
    }

    /// The signature over a SHA-256 digest, in the form of `Signer.sign`.
    func sign(_ hash: [UInt8], with key: LoadedObject, _ area: TPMPublicArea) throws(TPMError) -> [UInt8] {
        var digest = digest(hash)
        var scheme = area.scheme
        // The digest was made outside the TPM: a null ticket says so, and only an unrestricted key accepts it.
        var ticket = TPMT_TK_HASHCHECK()
        ticket.tag = TPM2_ST_HASHCHECK
        ticket.hierarchy = TPM2_RH_NULL
        let session = try session(encrypting: .command)
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        try ResponseCode.check(
            Esys_Sign(
                esys, key.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &digest, &scheme,
                &ticket, &signature), "Esys_Sign")
        defer { Esys_Free(signature) }
        guard let signature else { throw TPMError(.refused, "Esys_Sign gave no signature") }
        return signatureBytes(signature.pointee)
    }

    /// `count` bytes of the TPM's generator, encrypted on the bus; may give fewer in one answer, and never nothing.
    func random(_ count: Int) throws(TPMError) -> [UInt8] {
        var random: [UInt8] = []
        while random.count < count {
            let session = try session(encrypting: .response)
            var answer: UnsafeMutablePointer<TPM2B_DIGEST>?
            try ResponseCode.check(
                Esys_GetRandom(
                    esys, session, ESYS_TR_NONE, ESYS_TR_NONE,
                    UInt16(clamping: min(count - random.count, 64)), &answer), "Esys_GetRandom")
            defer { Esys_Free(answer) }
            guard let answer, answer.pointee.size > 0 else { throw TPMError(.refused, "the TPM gave no random bytes") }
            random += bytes(of: answer.pointee).prefix(count - random.count)
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

    private func keep(_ handle: ESYS_TR) -> LoadedObject {
        loaded.append(handle)
        return LoadedObject(handle: handle)
    }

    /// Lends ESAPI's view of a persistent key; closing it leaves the key where it is.
    private func withPersistent(_ handle: UInt32, _ body: (ESYS_TR) throws(TPMError) -> Void) throws(TPMError) {
        var object = ESYS_TR()
        try ResponseCode.check(
            Esys_TR_FromTPMPublic(
                esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object),
            "Esys_TR_FromTPMPublic")
        defer { _ = Esys_TR_Close(esys, &object) }  // frees memory only
        try body(object)
    }

    private func marshal(
        _ capacity: Int, _ function: StaticString,
        _ body: (UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?) -> TSS2_RC
    ) throws(TPMError) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: capacity)
        var count = 0
        try ResponseCode.check(body(&buffer, buffer.count, &count), function)
        return Array(buffer.prefix(count))
    }
}

import CTSS2
import EntropyCrypto

extension TPMDevice {
    /// A key that was just made, and what is worth knowing of it later.
    public struct MadeKey: Sendable {
        public let file: TPMKeyFile
        /// The Name of the primary under which it was made.
        public let primaryName: [UInt8]
        public let proof: CreationProof
    }

    /// Fails when the TPM has no keys of this algorithm and size, with a list of what it has.
    public func requireSupport(_ algorithm: KeyAlgorithm) throws(TPMError) {
        try perform { (context, _) throws(TPMError) in
            guard try context.supports(algorithm) else { throw try TPMDevice.unsupported(algorithm, context) }
        }
    }

    /// Makes a signing key inside the TPM, under the owner hierarchy. May take over 30 s; the TPM is asked first whether it
    /// has such keys. `isDAProtected` leaves noDA out: see `KeyTemplate.signing`.
    public func makeSigningKey(
        _ algorithm: KeyAlgorithm, authValue: AuthValue? = nil, isDAProtected: Bool = false
    ) throws(TPMError) -> MadeKey {
        try requireSupport(algorithm)
        return try perform { (context, _) throws(TPMError) in
            let primary = try context.createPrimary()
            defer { context.flush(primary) }
            let template = KeyTemplate.signing(algorithm, isDAProtected: isDAProtected)
            let key = try context.create(template, under: primary, authValue: authValue)
            let file = TPMKeyFile(
                emptyAuth: authValue == nil, parent: TPMKeyFile.ownerHierarchy, publicPart: key.publicPart,
                privatePart: key.privatePart)
            return MadeKey(file: file, primaryName: key.parentName, proof: key.proof)
        }
    }

    /// Fails when something is kept at this persistent handle: worth knowing before a key is made for it.
    public func requireFree(_ handle: UInt32) throws(TPMError) {
        try perform { (context, _) throws(TPMError) in
            do throws(TPMError) {
                context.flush(try context.persistentObject(handle))
            } catch {
                guard error.code == .noSuchHandle else { throw error }
                return
            }
            throw TPMContext.taken(handle)
        }
    }

    /// Keeps a key file's key in the TPM under a persistent handle of the owner's, which must be free.
    public func persist(_ file: TPMKeyFile, at handle: UInt32) throws(TPMError) {
        let area = try TPMPublicArea(unmarshalling: file.publicPart)
        try perform { (context, _) throws(TPMError) in
            let key = try context.load(file, area)
            defer { context.flush(key) }
            try context.persist(key, at: handle)
        }
    }

    /// The public area of a key: a key file says it itself, for a handle the TPM is asked.
    public func publicArea(of location: TPMKeyLocation) throws(TPMError) -> TPMPublicArea {
        switch location {
        case .file(let file): return try TPMPublicArea(unmarshalling: file.publicPart)
        case .handle(let handle):
            return try perform { (context, _) throws(TPMError) in
                let key = try context.persistentObject(handle)
                defer { context.flush(key) }
                return try TPMPublicArea(try context.readPublic(key), for: .packets)
            }
        }
    }

    /// The Name of the key that sessions are salted to. Trusts the TPM that is there now. Where it may be one of two, the
    /// recorded one is meant.
    public func primaryName(recorded: [UInt8]? = nil) throws(TPMError) -> [UInt8] {
        try perform { (context, _) throws(TPMError) in try context.anchorName(recorded: recorded) }
    }

    private static func unsupported(_ algorithm: KeyAlgorithm, _ context: TPMContext) throws(TPMError) -> TPMError {
        var list = ""
        for each in [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .rsa(bits: 4096), .ecdsaP256] {
            guard try context.supports(each) else { continue }
            list += list.isEmpty ? each.shortName : ", \(each.shortName)"
        }
        return TPMError(
            .unsupported, "this TPM makes no \(algorithm.shortName) keys; it makes \(list.isEmpty ? "none" : list)")
    }
}

/// A key that a TPM just made.
struct CreatedKey {
    /// A marshalled TPM2B_PUBLIC.
    let publicPart: [UInt8]
    /// A marshalled TPM2B_PRIVATE, wrapped by the parent.
    let privatePart: [UInt8]
    /// The Name of the primary under which it was made.
    let parentName: [UInt8]
    let proof: CreationProof
}

/// What a TPM says of the making of a key (TPM 2.0 Library, Part 2, 15.2 and 10.7.3): needed to have it certified later
/// that it was made in that TPM.
public struct CreationProof: Sendable {
    /// A marshalled TPM2B_CREATION_DATA.
    public let data: [UInt8]
    /// Its digest.
    public let hash: [UInt8]
    /// A marshalled TPMT_TK_CREATION: the TPM knows by it again that it made the key.
    public let ticket: [UInt8]

    public init(data: [UInt8], hash: [UInt8], ticket: [UInt8]) {
        self.data = data
        self.hash = hash
        self.ticket = ticket
    }
}

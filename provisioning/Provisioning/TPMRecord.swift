import EntropyCrypto
import EntropyState
import Platform
import TPM

/// What was learnt of a key's TPM when the key was made, kept in `BASE.tpm.json` beside `BASE.key` and checked at every
/// opening: sessions are salted to a primary key, which protects only when the primary is the right one.
public struct TPMRecord: Sendable {
    /// Bytes of such a file at the most; one has about a thousand.
    private static let maximumSize = 65536
    private static let expectation = "an object that rsagen wrote"

    /// The signing key's Name: its public area, hashed.
    public let keyName: [UInt8]
    /// The Name of the owner hierarchy's primary.
    public let primaryName: [UInt8]
    /// Bytes of salt in the TPM's RSASSA-PSS signatures; nil for ECDSA.
    public let saltLength: Int64?
    /// What the TPM said when it made the key; nil for a key that was made by another program.
    public let proof: CreationProof?

    public init(keyName: [UInt8], primaryName: [UInt8], saltLength: Int64?, proof: CreationProof?) {
        self.keyName = keyName
        self.primaryName = primaryName
        self.saltLength = saltLength
        self.proof = proof
    }

    /// The record's place beside a key file: `signer.tpm.json` for `signer.key`.
    public static func path(besides key: String) -> String {
        (Text.ends(key, with: ".key") ? String(decoding: key.utf8.dropLast(4), as: UTF8.self) : key) + ".tpm.json"
    }

    /// Reads and judges the whole file; nil where there is none.
    public static func find(_ path: String) throws(StateError) -> TPMRecord? {
        do throws(StateError) {
            return try TPMRecord(reading: path)
        } catch {
            if case .file(let error) = error, error.isMissing { return nil }
            throw error
        }
    }

    public init(reading path: String) throws(StateError) {
        try self.init(
            try FieldReader(reading: path, limit: TPMRecord.maximumSize, expecting: TPMRecord.expectation))
    }

    /// The same, of what was read already.
    package init(decoding bytes: [UInt8], file: String) throws(StateError) {
        try self.init(try FieldReader(decoding: bytes, file: file, expecting: TPMRecord.expectation))
    }

    private init(_ reader: FieldReader) throws(StateError) {
        keyName = try reader.requiredBytes("KeyName")
        primaryName = try reader.requiredBytes("PrimaryName")
        saltLength = try reader.integer("SaltLength")
        if let ticket = try reader.bytes("CreationTicket") {
            proof = CreationProof(
                data: try reader.requiredBytes("CreationData"),
                hash: try reader.requiredBytes("CreationHash"), ticket: ticket)
        } else {
            proof = nil
        }
    }

    public func encode() -> [UInt8] {
        let document = JSONDocument(empty: .object)
        let object = document.value
        object.set("KeyName", Base64.encode(keyName))
        object.set("PrimaryName", Base64.encode(primaryName))
        if let saltLength { object.set("SaltLength", saltLength) }
        if let proof {
            object.set("CreationData", Base64.encode(proof.data))
            object.set("CreationHash", Base64.encode(proof.hash))
            object.set("CreationTicket", Base64.encode(proof.ticket))
        }
        return document.encode()
    }
}

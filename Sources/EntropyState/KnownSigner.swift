import EntropyCrypto

/// A signer whose packets a sink takes, and the counter of the last one that it took.
public struct KnownSigner: Sendable {
    /// Keys whose packets one sink takes: each packet is tried with every one of them.
    static let maximumCount = 16

    public let key: PublicKey
    public var counter: Int64
    /// False where no file has a counter of this signer above 0: it is new, or its counter was lost.
    public internal(set) var isCounterKnown: Bool
    /// The first digits of the fingerprint, for a log.
    public let label: String
    /// The key as a file has it, in base64.
    let text: String

    init(key: PublicKey, counter: Int64) {
        self.key = key
        self.counter = counter
        isCounterKnown = counter != 0
        label = String(decoding: key.fingerprint.utf8.prefix(8), as: UTF8.self)
        text = Base64.encode(key.pkix)
    }

    private init(_ other: KnownSigner, counter: Int64) {
        (key, label, text, isCounterKnown) = (other.key, other.label, other.text, other.isCounterKnown)
        self.counter = counter
    }

    /// The same signer with this counter, unless its own is greater: an old file opens no door to a replay.
    public func raised(to stored: Int64?) -> KnownSigner {
        KnownSigner(self, counter: max(counter, stored ?? counter))
    }

    /// The signers of a configuration, those that were taken out left out. `remarks` gets lines about keys that stand there in
    /// several forms.
    static func list(_ reader: FieldReader, _ remarks: inout [String]) throws(StateError) -> [KnownSigner] {
        let table = try SignerTable(reader)
        // A configuration has at least one.
        if table.entries.isEmpty { _ = try reader.required("Signer", try reader.string("Signer")) }
        remarks += table.remarks(reader.file)
        let signers = table.entries.filter { !$0.isRemoved }.map { KnownSigner(key: $0.key, counter: $0.counter ?? 0) }
        guard (1...maximumCount).contains(signers.count) else {
            let found = remarks.first.map { " (\($0))" } ?? ""
            throw reader.wrong("Signer", "1 to \(maximumCount) keys that are not Removed\(found)")
        }
        return signers
    }
}

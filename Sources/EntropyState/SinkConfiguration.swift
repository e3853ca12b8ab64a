import EntropyCrypto
import Platform

/// What a sink is told: where to listen, its private key, and whose packets to take.
public struct SinkConfiguration: Sendable {
    /// Bytes of a configuration at the most.
    static let maximumSize = 1 << 20
    /// A day: four packets of a source with its usual interval.
    private static let standardAge: Int64 = 86400
    /// As far as a source lets its counter be moved forward by a sink.
    private static let standardJump: Int64 = 1 << 40

    public let address: String
    public let endpoint: Endpoint
    /// The greatest difference of the clocks in seconds.
    public let drift: Int64
    /// The sink's key, where the configuration itself has it (`Private`).
    public let ownKey: BoxPrivateKey?
    /// Whose packets are taken: one signer, or several, each with a counter of its own.
    public let signers: [KnownSigner]
    /// How far a packet's counter may be above the stored one. The greatest number allows every counter, the last one too, after
    /// which no packet of this signer is taken.
    public let counterJump: Int64
    /// Bits of entropy that the kernel is told a chunk holds, 0 unless asked for. 256 at the most: Fortuna's state is one
    /// AES-256 key, a chunk cannot hold more, however long it is.
    public let credit: Int32
    /// Seconds without a mixed packet of a signer, after which the log warns; 0 never does.
    public let maximumAge: Int64
    /// What peers may take of the sink.
    public let limits: SinkLimits
    /// Refuse packets that name no recipient: for a sink that is fed by this program's source only.
    public let requiresRecipient: Bool
    /// Where the counters are kept: the configuration itself, or the file that `State` names.
    public let counterFile: CounterFile
    /// Lines about what was taken as it is and should be mended.
    let remarks: [String]

    /// Reads and judges the whole configuration. `warn` gets a line when others may read the private key, and for each thing
    /// that was hardly meant: a member without a meaning, one that is there twice, a drift of 0.
    public init(reading path: String, warn: (String) -> Void) throws(StateError) {
        var exposure: String?
        var bytes = try StateFile.contents(of: path, limit: SinkConfiguration.maximumSize, secret: true) {
            exposure = $0
        }
        defer { wipe(&bytes) }
        let document = try SinkConfiguration.parse(bytes, path)
        try self.init(document, path)
        for line in JSONLexicon.doubleLines(in: bytes, file: path) { warn(line) }
        for line in SinkConfiguration.strangers(FieldReader(file: path, object: document.value)) { warn(line) }
        if drift == 0 {
            warn("\(path): Drift: 0, so only packets of the very second are taken; 120 suits most")
        }
        // Without a private key it is no secret.
        if let exposure, ownKey != nil { warn(exposure) }
        for remark in remarks { warn(remark) }
    }

    /// Judges what was read from `path`.
    package init(_ document: JSONDocument, _ path: String) throws(StateError) {
        let reader = FieldReader(file: path, object: document.value)
        (address, endpoint) = try reader.endpoint("Address", .listening)
        let drift = try reader.integer("Drift") ?? 0
        guard drift >= 0 else { throw reader.wrong("Drift", "seconds, not below 0") }
        self.drift = drift
        ownKey = try SinkConfiguration.ownKey(reader)
        var remarks: [String] = []
        let signers = try KnownSigner.list(reader, &remarks)
        counterJump = try reader.integer("CounterJump") ?? SinkConfiguration.standardJump
        guard counterJump > 0 else { throw reader.wrong("CounterJump", "a number above 0") }
        let credit = try reader.integer("Credit") ?? 0
        guard (0...256).contains(credit) else { throw reader.wrong("Credit", "bits for each chunk, 0 to 256") }
        self.credit = Int32(credit)
        maximumAge = try reader.integer("MaximumAge") ?? SinkConfiguration.standardAge
        guard maximumAge >= 0 else {
            throw reader.wrong("MaximumAge", "seconds without a packet of a signer, not below 0 (0 never warns)")
        }
        limits = try SinkLimits(reader)
        requiresRecipient = try reader.boolean("RequireRecipient") ?? false
        if let state = try reader.string("State") {
            guard !state.isEmpty, !state.utf8.contains(0) else { throw reader.wrong("State", "a file's path") }
            // Seen from the file itself, so that every link to it means the same counters.
            let statePath = Path.resolve(state, from: Path.directory(of: Path.resolvingLinks(path)))
            guard !Path.isSameFile(statePath, path) else {
                throw reader.wrong("State", "another file than the configuration, which keeps the counters without it")
            }
            counterFile = CounterFile(path: statePath, isConfiguration: false)
            self.signers = try counterFile.raise(signers, &remarks)
        } else {
            counterFile = CounterFile(path: path, isConfiguration: true)
            self.signers = signers
        }
        self.remarks = remarks
    }

    private static let members: [StaticString] = [
        "Address", "Private", "Signer", "Counter", "Drift", "State", "CounterJump", "Credit", "MaximumAge",
        "RequireRecipient", "Limits",
    ]

    /// A line for each member without a meaning, wherever it stands.
    private static func strangers(_ reader: FieldReader) -> [String] {
        var lines = reader.strangers(among: members)
        if let limits = reader.object["Limits"] {
            lines += FieldReader(file: reader.file, prefix: "Limits, ", object: limits).strangers(
                among: SinkLimits.members)
        }
        for (place, entry) in (reader.object["Signer"]?.elements ?? []).enumerated() {
            lines += FieldReader(file: reader.file, prefix: "Signer, entry \(place + 1), ", object: entry).strangers(
                among: SignerTable.members)
        }
        return lines
    }

    /// Without a copy of the text on the way that could not be wiped.
    private static func ownKey(_ reader: FieldReader) throws(StateError) -> BoxPrivateKey? {
        guard let value = reader.object["Private"] else { return nil }
        guard var text = value.utf8 else { throw reader.wrong("Private", "a string") }
        defer { wipe(&text) }
        guard var bytes = Base64.decode(text) else { throw reader.wrong("Private", "standard base64 with padding") }
        do throws(CryptoError) {
            return try BoxPrivateKey(moving: &bytes)
        } catch {
            throw reader.wrong("Private", "32 bytes in base64, a Curve25519 private key (\(error.message))")
        }
    }

    /// A new configuration as JSON text. With a private key it is a secret: wipe it once it is written. `state` names the file
    /// for the counters.
    public static func encode(
        address: String, drift: Int64, privateKey: BoxPrivateKey?, signer: PublicKey, state: String? = nil
    ) -> [UInt8] {
        let document = JSONDocument(empty: .object)
        let object = document.value
        object.set("Address", address)
        object.set("Signer", Base64.encode(signer.pkix))
        object.set("Counter", 0)
        if let privateKey {
            var secret = privateKey.copyBytes()
            defer { wipe(&secret) }
            object.set("Private", Base64.encode(secret))
        }
        object.set("Drift", drift)
        if let state { object.set("State", state) }
        return document.encode()
    }

    package static func parse(_ bytes: [UInt8], _ path: String) throws(StateError) -> JSONDocument {
        let document = try JSONDocument(parsing: bytes, file: path)
        guard document.value.kind == .object else { throw .content(file: path, field: "", expected: "an object") }
        return document
    }
}

import EntropyPacket

/// What became of each signer's packets at a sink: in a file for who asks a running one, for a person as a table, for programs
/// as JSON. Times are Unix times: how long ago something was is counted when it is shown.
public struct SinkReport: Sendable, Equatable {
    /// Why an authentic packet was not mixed.
    public enum Refusal: Int, Sendable, CaseIterable {
        case recipient, drift, counter
        /// Its counter could not be stored.
        case storage
        /// Its chunk was no entropy.
        case chunk
        /// It could not be written to the pool.
        case pool

        var name: StaticString {
            switch self {
            case .recipient: "Recipient"
            case .drift: "Drift"
            case .counter: "Counter"
            case .storage: "Storage"
            case .chunk: "Chunk"
            case .pool: "Pool"
            }
        }
    }

    public struct Signer: Sendable, Equatable {
        /// 64 digits.
        public let fingerprint: String
        public let counter: Int64
        /// Packets that were mixed since the sink started.
        public let mixed: Int64
        /// When the last one was mixed, be it before the sink started; nil for never.
        public let lastMixed: Int64?
        /// Packets since the sink started, by `Refusal`.
        public let refused: [Int64]

        public init(
            fingerprint: String, counter: Int64, mixed: Int64, lastMixed: Int64?, refused: [Int64]
        ) {
            self.fingerprint = fingerprint
            self.counter = counter
            self.mixed = mixed
            self.lastMixed = lastMixed
            self.refused = refused
        }
    }

    /// A network from which packets were taken.
    public struct Source: Sendable, Equatable {
        /// "192.0.2.7", or "2001:db8:0:1::/64".
        public let network: String
        /// When the last one was.
        public let lastTaken: Int64

        public init(network: String, lastTaken: Int64) {
            self.network = network
            self.lastTaken = lastTaken
        }
    }

    /// The most sources that are kept: the file stays below 64 KB, which version 2.0 reads.
    public static let maximumSources = 1024

    /// When the sink started, and when this was written.
    public let started: Int64
    public let written: Int64
    /// As the configuration has it.
    public let maximumAge: Int64
    public let signers: [Signer]
    /// For the next start of the sink, which knows them then; nobody else is shown them.
    public var sources: [Source] = []

    public init(started: Int64, written: Int64, maximumAge: Int64, signers: [Signer]) {
        self.started = started
        self.written = written
        self.maximumAge = maximumAge
        self.signers = signers
    }

    /// The object that a sink writes.
    public func encode() -> [UInt8] {
        let document = document()
        if !sources.isEmpty {
            let list = document.value.array("Sources") { _ in }
            for source in sources.prefix(SinkReport.maximumSources) {
                list.append("\(source.network) \(source.lastTaken)")
            }
        }
        return document.encode()
    }

    /// The same for who asks at the time `now`, with each `Age`, and whether the sink runs, where that can be seen.
    public func encode(now: Int64, isRunning: Bool?) -> [UInt8] {
        let document = document(now: now)
        document.value.set("Now", now)
        if let isRunning { document.value.set("Running", boolean: isRunning) }
        return document.encode()
    }

    private func document(now: Int64? = nil) -> JSONDocument {
        let document = JSONDocument(empty: .object)
        document.value.set("Started", started)
        document.value.set("Written", written)
        document.value.set("MaximumAge", maximumAge)
        let list = document.value.array("Signers") { _ in }
        for signer in signers {
            let object = list.appendObject()
            object.set("Fingerprint", signer.fingerprint)
            object.set("Counter", signer.counter)
            object.set("Mixed", signer.mixed)
            if let last = signer.lastMixed {
                object.set("LastMixed", last)
                if let now { object.set("Age", saturatingDifference(now, last)) }
            }
            let refused = object.setObject("Refused")
            for reason in Refusal.allCases { refused.set(reason.name, signer.refused[reason.rawValue]) }
        }
        return document
    }
}

extension SinkReport {
    private static let expectation = "an object that entropy-sink wrote"
    /// More than a configuration can list.
    private static let maximumCount = 64

    /// Judges what was read. Digits and numbers only: nothing of it can be anything else where it is shown.
    package init(decoding bytes: [UInt8], file: String) throws(StateError) {
        let reader = try FieldReader(decoding: bytes, file: file, expecting: SinkReport.expectation)
        started = try reader.required("Started", try reader.integer("Started"))
        written = try reader.required("Written", try reader.integer("Written"))
        maximumAge = try SinkReport.count(reader, "MaximumAge")
        guard let list = reader.object["Signers"]?.elements, list.count <= SinkReport.maximumCount else {
            throw reader.wrong("Signers", "a list of at most \(SinkReport.maximumCount)")
        }
        var signers: [Signer] = []
        for (place, element) in list.enumerated() {
            signers.append(
                try Signer(FieldReader(file: file, prefix: "entry \(place + 1), ", object: element)))
        }
        self.signers = signers
        for element in reader.object["Sources"]?.elements?.prefix(SinkReport.maximumSources) ?? [] {
            // One that is not as this program writes it costs its address a place at the door, and nobody the report.
            if let source = Source(element.string) { sources.append(source) }
        }
    }

    /// None where it is missing: another release may not have counted it.
    fileprivate static func count(_ reader: FieldReader, _ field: StaticString) throws(StateError) -> Int64 {
        let count = try reader.integer(field) ?? 0
        guard count >= 0 else { throw reader.wrong(field, "a number not below 0") }
        return count
    }
}

extension SinkReport.Source {
    /// Reads "network time".
    fileprivate init?(_ text: String?) {
        guard let bytes = text.map({ [UInt8]($0.utf8) }), bytes.count <= 64,
            let space = bytes.firstIndex(of: UInt8(ascii: " ")),
            bytes[..<space].allSatisfy({
                (0x2e...0x3a).contains($0) || (0x61...0x66).contains($0)
            }),
            let time = Int64(String(decoding: bytes[(space + 1)...], as: UTF8.self))
        else { return nil }
        network = String(decoding: bytes[..<space], as: UTF8.self)
        lastTaken = time
    }
}

extension SinkReport.Signer {
    fileprivate init(_ reader: FieldReader) throws(StateError) {
        let digits = try reader.required("Fingerprint", try reader.string("Fingerprint"))
        guard digits.utf8.count == 64,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { throw reader.wrong("Fingerprint", "64 digits, 0 to 9 and a to f") }
        fingerprint = digits
        counter = try reader.required("Counter", try reader.integer("Counter"))
        mixed = try SinkReport.count(reader, "Mixed")
        lastMixed = try reader.integer("LastMixed")
        let object = try reader.required("Refused", reader.object["Refused"])
        guard object.kind == .object else { throw reader.wrong("Refused", "an object") }
        let inner = FieldReader(file: reader.file, prefix: "\(reader.prefix)Refused, ", object: object)
        var refused: [Int64] = []
        for reason in SinkReport.Refusal.allCases { refused.append(try SinkReport.count(inner, reason.name)) }
        self.refused = refused
    }
}

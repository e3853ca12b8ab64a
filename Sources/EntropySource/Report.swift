import EntropyCrypto
import EntropyState
import Platform

/// What became of each target's last delivery: for a person as a table, for programs as JSON, and in a file for who asks
/// a running source.
public struct Report: Sendable {
    /// How a delivery ended.
    public enum Status: Int, Sendable, CaseIterable {
        /// The sink said so.
        case mixed
        /// Sent, and nothing heard of it.
        case unconfirmed
        /// The sink said why it did not take it.
        case refused
        /// No connection, or no answer.
        case unreachable
        /// Nothing was sent, for a reason on this side.
        case failed

        var word: StaticString {
            switch self {
            case .mixed: "mixed"
            case .unconfirmed: "unconfirmed"
            case .refused: "refused"
            case .unreachable: "unreachable"
            case .failed: "failed"
            }
        }
    }

    struct Entry: Sendable {
        let identity: Target.Identity
        let status: Status
        /// Why, where it was not mixed.
        let reason: String
        /// Of the packet; 0 where none was made.
        let counter: Int64
        /// Of the sealed packet; 0 where none was sent.
        let bytes: Int64
        /// Unix time.
        let time: Int64
    }

    /// A noise source, as it was when the report was written.
    struct Noise: Sendable {
        let name: String
        let status: NoiseStatus
        /// Bytes that it gave to Fortuna, and health tests that it failed, since the program's start.
        let bytes: Int64
        let failures: Int64
        /// Why it gives nothing.
        let reason: String
    }

    private(set) var noise: [Noise] = []
    private(set) var entries: [Entry] = []
    private var places: [Target.Identity: Int] = [:]

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// One line: how many sinks, and what became of them.
    var summary: String {
        guard !isEmpty else { return "no sink was due yet" }
        var line = entries.count == 1 ? "1 sink:" : "\(entries.count) sinks:"
        var separator = " "
        for status in Status.allCases {
            let count = entries.count { $0.status.rawValue == status.rawValue }
            guard count > 0 else { continue }
            line += "\(separator)\(count) \(status.word.description)"
            separator = ", "
        }
        return line
    }

    /// Notes a delivery, in place of the same target's last one.
    mutating func note(_ entry: Entry) {
        if let place = places[entry.identity] {
            entries[place] = entry
        } else {
            places[entry.identity] = entries.count
            entries.append(entry)
        }
    }

    /// Notes how the noise sources are.
    mutating func note(_ feed: NoiseFeed) {
        noise = feed.inlets.map {
            Noise(
                name: $0.source.name, status: $0.status, bytes: $0.bytes, failures: $0.failures,
                reason: $0.trouble?.message ?? "")
        }
    }

    /// Forgets what is no longer in the list.
    mutating func keep(_ targets: Set<Target.Identity>) {
        entries.removeAll { !targets.contains($0.identity) }
        places = [:]
        for (place, entry) in entries.enumerated() { places[entry.identity] = place }
    }

    /// A heading and a line for each target.
    public var lines: [String] {
        let heading = ["sink", "status", "packet", "bytes", "reason"]
        let rows = entries.map { entry in
            [
                entry.identity.address, entry.status.word.description, entry.counter == 0 ? "-" : String(entry.counter),
                entry.bytes == 0 ? "-" : String(entry.bytes), entry.reason,
            ]
        }
        return TextTable.lines([heading] + rows)
    }

    /// A heading and a line for each noise source; nothing where none was noted.
    public var noiseLines: [String] {
        guard !noise.isEmpty else { return [] }
        let heading = ["noise", "health", "bytes", "failures", "reason"]
        return TextTable.lines(
            [heading]
                + noise.map { [$0.name, $0.status.word.description, String($0.bytes), String($0.failures), $0.reason] }
        )
    }

    /// One JSON object: `Targets`, with `Address`, `Public`, `Status`, `Reason`, `Counter`, `Bytes` and `Time` each, and `Noise`,
    /// with `Name`, `Health`, `Bytes`, `Failures` and `Reason` each.
    public func encode() -> [UInt8] {
        var targets = JSONList.Writer(after: Array("{\n\t\"Targets\": ".utf8))
        for entry in entries {
            let element = JSONDocument(empty: .object)
            let object = element.value
            object.set("Address", entry.identity.address)
            object.set("Public", Base64.encode(entry.identity.publicKey.bytes))
            object.set("Status", entry.status.word.description)
            if !entry.reason.isEmpty { object.set("Reason", entry.reason) }
            object.set("Counter", entry.counter)
            object.set("Bytes", entry.bytes)
            object.set("Time", entry.time)
            targets.append(element)
        }
        var text = targets.end()
        guard !noise.isEmpty else { return text + Array("\n}\n".utf8) }
        text += Array(",\n\t\"Noise\": ".utf8)
        var sources = JSONList.Writer(after: text)
        for one in noise {
            let element = JSONDocument(empty: .object)
            let object = element.value
            object.set("Name", one.name)
            object.set("Health", one.status.word.description)
            object.set("Bytes", one.bytes)
            object.set("Failures", one.failures)
            if !one.reason.isEmpty { object.set("Reason", one.reason) }
            sources.append(element)
        }
        return sources.end() + Array("\n}\n".utf8)
    }
}

extension Report {
    /// Bytes of the file at the most: tens of thousands of sinks, as the list has.
    private static let maximumSize = 16 << 20

    private static let expectation = "an object that entropy-source wrote"

    /// What a running source wrote.
    public init(reading path: String) throws(StateError) {
        try self.init(
            try FieldReader(reading: path, limit: Report.maximumSize, expecting: Report.expectation))
    }

    /// The same, of what was read already.
    package init(decoding bytes: [UInt8], file: String) throws(StateError) {
        try self.init(try FieldReader(decoding: bytes, file: file, expecting: Report.expectation))
    }

    private init(_ reader: FieldReader) throws(StateError) {
        guard let list = reader.object["Targets"]?.elements else { throw reader.wrong("Targets", "a list") }
        for (place, element) in list.enumerated() {
            let item = FieldReader(file: reader.file, prefix: "entry \(place + 1), ", object: element)
            let bytes = try item.requiredBytes("Public")
            guard let key = try? BoxPublicKey(bytes) else { throw item.wrong("Public", "32 bytes in base64") }
            let word = try item.required("Status", try item.string("Status"))
            guard let status = Status.allCases.first(where: { Text.areEqual(word, $0.word.description) })
            else {
                throw item.wrong("Status", "mixed, unconfirmed, refused, unreachable or failed")
            }
            note(
                Entry(
                    identity: Target.Identity(try item.required("Address", try item.string("Address")), key),
                    status: status, reason: try item.string("Reason") ?? "", counter: try item.integer("Counter") ?? 0,
                    bytes: try item.integer("Bytes") ?? 0, time: try item.integer("Time") ?? 0))
        }
        // Earlier versions wrote none.
        guard let sources = reader.object["Noise"] else { return }
        guard let sources = sources.elements else { throw reader.wrong("Noise", "a list") }
        for (place, element) in sources.enumerated() {
            noise.append(
                try Noise(FieldReader(file: reader.file, prefix: "noise source \(place + 1), ", object: element)))
        }
    }

    /// Fails where there is a file that is neither a report nor empty.
    static func requireReportOrNothing(at path: String) throws(StateError) {
        guard Path.exists(path) else { return }
        let bytes = try StateFile.contents(of: path, limit: Report.maximumSize)
        if !bytes.isEmpty { _ = try Report(decoding: bytes, file: path) }
    }

    /// Replaces the file.
    func write(to path: String) throws(StateError) {
        let file = try StateFile.locked(path)
        // Not read before: nobody else has anything to say here.
        do throws(SystemError) { _ = try file.replace(with: encode()) } catch { throw .file(error) }
    }
}

extension Report.Noise {
    fileprivate init(_ item: FieldReader) throws(StateError) {
        name = try item.required("Name", try item.string("Name"))
        let word = try item.required("Health", try item.string("Health"))
        guard let status = NoiseStatus.allCases.first(where: { Text.areEqual(word, $0.word.description) })
        else {
            throw item.wrong("Health", "healthy, starting, unavailable, failed or given up")
        }
        self.status = status
        bytes = try item.integer("Bytes") ?? 0
        failures = try item.integer("Failures") ?? 0
        reason = try item.string("Reason") ?? ""
    }
}

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
        let address: String
        let key: BoxPublicKey
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

    private(set) var entries: [Entry] = []
    private var places: [Target.Identity: Int] = [:]

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// Notes a delivery, in place of the same target's last one.
    mutating func note(_ entry: Entry) {
        if let place = places[entry.identity] {
            entries[place] = entry
        } else {
            places[entry.identity] = entries.count
            entries.append(entry)
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
                entry.address, entry.status.word.description, entry.counter == 0 ? "-" : String(entry.counter),
                entry.bytes == 0 ? "-" : String(entry.bytes), entry.reason,
            ]
        }
        let widths = (0..<4).map { column in ([heading] + rows).reduce(0) { max($0, $1[column].utf8.count) } + 2 }
        return ([heading] + rows).map { row in
            var line = ""
            for column in 0..<4 {
                line += row[column] + String(repeating: " ", count: widths[column] - row[column].utf8.count)
            }
            line += row[4]
            return String(decoding: line.utf8.reversed().drop { $0 == 0x20 }.reversed(), as: UTF8.self)
        }
    }

    /// One JSON object: `Targets`, with `Address`, `Public`, `Status`, `Reason`, `Counter`, `Bytes` and `Time` each.
    public func encode() -> [UInt8] {
        let document = JSONDocument(empty: .object)
        let list = document.value.array("Targets") { _ in }
        for entry in entries {
            let object = list.appendObject()
            object.set("Address", entry.address)
            object.set("Public", Base64.encode(entry.key.bytes))
            object.set("Status", entry.status.word.description)
            if !entry.reason.isEmpty { object.set("Reason", entry.reason) }
            object.set("Counter", entry.counter)
            object.set("Bytes", entry.bytes)
            object.set("Time", entry.time)
        }
        return document.encode()
    }
}

extension Report.Entry {
    var identity: Target.Identity { Target.Identity(address, key) }
}

extension Report {
    /// Bytes of the file at the most: thousands of sinks.
    private static let maximumSize = 4 << 20

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
            guard let status = Status.allCases.first(where: { word.utf8.elementsEqual($0.word.description.utf8) })
            else {
                throw item.wrong("Status", "mixed, unconfirmed, refused, unreachable or failed")
            }
            note(
                Entry(
                    address: try item.required("Address", try item.string("Address")), key: key, status: status,
                    reason: try item.string("Reason") ?? "", counter: try item.integer("Counter") ?? 0,
                    bytes: try item.integer("Bytes") ?? 0, time: try item.integer("Time") ?? 0))
        }
    }

    /// Replaces the file.
    func write(to path: String) throws(StateError) {
        let file = try StateFile.locked(path)
        // Not read before: nobody else has anything to say here.
        do throws(SystemError) { _ = try file.replace(with: encode()) } catch { throw .file(error) }
    }
}

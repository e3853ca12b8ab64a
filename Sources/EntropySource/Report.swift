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
        /// Sent, and no receipt by a sink that gives them.
        case silent
        /// Something that is no sink answered.
        case foreign
        /// Not tried yet.
        case waiting

        var word: StaticString {
            switch self {
            case .mixed: "mixed"
            case .unconfirmed: "unconfirmed"
            case .refused: "refused"
            case .unreachable: "unreachable"
            case .failed: "failed"
            case .silent: "silent"
            case .foreign: "foreign"
            case .waiting: "waiting"
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
        /// When that was, in Unix time; 0 for never.
        let time: Int64
        var memory = Memory()
        /// False for what an earlier run wrote.
        var isOfThisRun = true
    }

    /// What is known of a sink beside its last delivery, from one run to the next. Times are Unix times.
    struct Memory: Sendable, Equatable {
        /// When it was last served.
        var served: Int64?
        /// When it is tried next.
        var next: Int64?
        /// `Next` in the list as this program wrote it last: another value there is an operator's.
        var written: Int64?
        /// It gave a receipt, be it a refusal: it is no original sink, and knows this signer.
        var givesReceipts = false
        /// Packets in a row that it took, and gave no receipt for.
        var unconfirmed: Int64 = 0
        /// Packets reach it in small segments.
        var isSmall = false
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

    var noise: [Noise] = []
    private(set) var entries: [Entry] = []
    private var places: [Target.Identity: Int] = [:]

    /// When the source started that wrote this, and when it did, in Unix time; nil for a run that is over at once.
    var started: Int64?
    var written: Int64?

    public init() {}

    public var isEmpty: Bool { entries.isEmpty }

    /// What became of deliveries of this run.
    public var ofThisRun: Report {
        var report = Report()
        for entry in entries where entry.isOfThisRun { report.note(entry) }
        report.noise = noise
        return report
    }

    /// One line: how many sinks, and what became of them.
    var summary: String {
        guard entries.contains(where: { $0.status.rawValue != Status.waiting.rawValue }) else {
            return "no sink was due yet"
        }
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

    /// What is known of a target from earlier deliveries.
    func memory(of identity: Target.Identity) -> Memory { places[identity].map { entries[$0].memory } ?? Memory() }

    /// `Next` in the list is written anew.
    mutating func wrote(_ next: Int64, for identity: Target.Identity) {
        guard let place = places[identity] else { return }
        entries[place].memory.written = next
        entries[place].memory.next = next
    }

    /// Has an entry for each of these, and none for others, with the time of its next packet as the list has it; of those
    /// that failed as it is. Returns true when there is anything new in that.
    mutating func heed(_ targets: [Target], isFailing: (Target) -> Bool) -> Bool {
        let known = Set(targets.map { $0.identity })
        let count = entries.count
        entries.removeAll { !known.contains($0.identity) }
        var isNew = entries.count != count
        places = [:]
        for (place, entry) in entries.enumerated() { places[entry.identity] = place }
        for target in targets {
            let next = target.next == 0 ? nil : target.next
            guard let place = places[target.identity] else {
                note(
                    Entry(
                        identity: target.identity, status: .waiting, reason: "", counter: 0, bytes: 0, time: 0,
                        memory: Memory(next: next), isOfThisRun: false))
                isNew = true
                continue
            }
            guard entries[place].memory.next != next, !isFailing(target) else { continue }
            entries[place].memory.next = next
            isNew = true
        }
        return isNew
    }
}

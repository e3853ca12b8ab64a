import EntropyPacket
import EntropyState
import Platform

// For a person, and for a monitor.
extension Report {
    /// A heading and a line for each target: what became of its last delivery.
    public var lines: [String] {
        let heading = ["sink", "status", "packet", "bytes", "reason"]
        return TextTable.lines([heading] + entries.map { cells($0) + [$0.reason] })
    }

    /// Whether the source runs and how old this is, a heading, and a line for each target, with its last success, its last try
    /// and its next one, all as they are at the time `now`. `isRunning` is nil where that cannot be seen.
    public func lines(now: Int64, isRunning: Bool?) -> [String] {
        let heading = ["sink", "status", "packet", "bytes", "served", "tried", "next", "reason"]
        let rows = entries.map { entry in
            cells(entry) + [
                ago(entry.memory.served, now), ago(entry.time == 0 ? nil : entry.time, now),
                ahead(entry.memory.next, now), entry.reason,
            ]
        }
        return [state(now, isRunning)] + TextTable.lines([heading] + rows)
    }

    private func cells(_ entry: Entry) -> [String] {
        [
            entry.identity.address, entry.status.word.description, entry.counter == 0 ? "-" : String(entry.counter),
            entry.bytes == 0 ? "-" : String(entry.bytes),
        ]
    }

    private func state(_ now: Int64, _ isRunning: Bool?) -> String {
        let age = written.map { "; written \(ago($0, now))" } ?? ""
        return switch isRunning {
        case true?: "running\(started.map { " for \(Span.words(saturatingDifference(now, $0)))" } ?? "")\(age)"
        case false?: "\(started == nil ? "of a run with --once" : "not running")\(age)"
        case nil: "whether the source runs is not for this user to see\(age)"
        }
    }

    private func ago(_ time: Int64?, _ now: Int64) -> String {
        guard let time else { return "never" }
        return time > now
            ? "\(Span.words(saturatingDifference(time, now))) ahead: by a wrong clock"
            : "\(Span.words(saturatingDifference(now, time))) ago"
    }

    private func ahead(_ time: Int64?, _ now: Int64) -> String {
        guard let time, time > now else { return "now" }
        return "in \(Span.words(saturatingDifference(time, now)))"
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

    /// Whether each target was served within the last `limit` seconds before `now`, in one line for a monitor. A success that
    /// lies ahead was dated by a wrong clock, and is none.
    public func check(age limit: Int64, now: Int64, isRunning: Bool?) -> (state: MonitorState, text: String) {
        guard !entries.isEmpty else { return (.unknown, "no sink is in the list") }
        let ages = entries.map { entry in entry.memory.served.map { saturatingDifference(now, $0) } }
        let isLate = ages.map { age in age.map { !(-Report.clockDifference...limit).contains($0) } ?? true }
        let number = entries.count == 1 ? "1 sink" : "\(entries.count) sinks"
        let late = isLate.count { $0 }
        guard late == 0 else {
            var names = ""
            for (place, entry) in entries.enumerated().filter({ isLate[$0.offset] }).prefix(3) {
                let reason = entry.reason.isEmpty ? "" : ", \(entry.status.word.description): \(entry.reason)"
                names +=
                    "\(names.isEmpty ? "" : "; ")\(entry.identity.address) (served \(ago(entries[place].memory.served, now))\(reason))"
            }
            return (
                .critical,
                "\(late) of \(number) not served within \(Span.words(limit)): \(names)\(late > 3 ? "; ..." : "")"
            )
        }
        let oldest = Span.words(ages.reduce(0) { max($0, $1 ?? 0) })
        if isRunning == false, started != nil {
            return (.warning, "entropy-source is not running; \(number), the oldest delivery \(oldest) ago")
        }
        return (.ok, "\(number), the oldest delivery \(oldest) ago")
    }

    /// Seconds that a clock may be set back, and what was dated before still counts.
    private static let clockDifference: Int64 = 60
}

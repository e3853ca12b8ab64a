/// Lets one line of each kind through in an interval; the rest is counted, and the last one that was held back is said when
/// there is room for it. No kind's flood takes another kind's line.
struct LineLimiter {
    private struct Entry {
        /// Milliseconds.
        var last: Int64
        var held: String?
        /// Lines that were held back since the last one, `held` among them.
        var count = 0
    }

    /// Milliseconds.
    private let interval: Int64
    /// Whose lines these are, as the log says it.
    private let whose: String
    /// By kind. Bounded by the kinds of which there was a line within an interval.
    private var entries: [String: Entry] = [:]

    init(interval: Int64, whose: String) {
        self.interval = interval
        self.whose = whose
    }

    /// What shall be logged now; nil where nothing shall.
    mutating func admit(_ kind: String, _ line: String, now: Int64) -> String? {
        guard var entry = entries[kind] else {
            entries[kind] = Entry(last: now)
            return line
        }
        entry.held = line
        entry.count += 1
        defer { entries[kind] = entry }
        return emit(&entry, now)
    }

    /// The last lines that were held back, of those kinds for which there is room again.
    mutating func flush(now: Int64) -> [String] {
        var lines: [String] = []
        for (kind, var entry) in entries where now - entry.last >= interval {
            if let line = emit(&entry, now) {
                lines.append(line)
                entries[kind] = entry
            } else {
                entries[kind] = nil
            }
        }
        return lines
    }

    private func emit(_ entry: inout Entry, _ now: Int64) -> String? {
        guard let line = entry.held, now - entry.last >= interval else { return nil }
        defer { entry = Entry(last: now) }
        return entry.count == 1 ? line : "\(line) (held back: \(entry.count - 1) more of \(whose))"
    }
}

/// Lets one line a minute through about each signer whose packets are authentic, fresh and of no use: a program that is
/// broken, or whoever has the key, may send hundreds a minute. The first one is said at once, the rest is counted.
struct SignerLimiter {
    private struct Entry {
        var last: Int64
        var held: String?
        /// Lines that were held back since the last one, `held` among them.
        var count = 0
    }

    private static let interval: Int64 = 60_000

    /// By signer. Bounded by those that sent such a packet within a minute.
    private var entries: [String: Entry] = [:]

    /// What shall be logged now; nil where nothing shall.
    mutating func admit(_ signer: String, _ line: String, now: Int64) -> String? {
        guard var entry = entries[signer] else {
            entries[signer] = Entry(last: now)
            return line
        }
        entry.held = line
        entry.count += 1
        defer { entries[signer] = entry }
        return SignerLimiter.emit(&entry, now)
    }

    /// The last lines that were held back, of those signers for whom there is room again.
    mutating func flush(now: Int64) -> [String] {
        var lines: [String] = []
        for (signer, var entry) in entries where now - entry.last >= SignerLimiter.interval {
            if let line = SignerLimiter.emit(&entry, now) {
                lines.append(line)
                entries[signer] = entry
            } else {
                entries[signer] = nil
            }
        }
        return lines
    }

    private static func emit(_ entry: inout Entry, _ now: Int64) -> String? {
        guard let line = entry.held, now - entry.last >= interval else { return nil }
        defer { entry = Entry(last: now) }
        return entry.count == 1 ? line : "\(line) (held back: \(entry.count - 1) more of this signer)"
    }
}

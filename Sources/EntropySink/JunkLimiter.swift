/// Lets one line per second and peer through, ten per second of all peers together, and counts the rest: whoever sends
/// junk, from however many addresses, shall not fill the log.
struct JunkLimiter {
    /// A line that is let through, and how many were kept back since the last one: this peer's, and those of others.
    struct Admission: Equatable {
        let own: Int
        let others: Int
    }

    private struct Kept {
        var last: Int64
        var suppressed = 0
    }

    private var peers: [String: Kept] = [:]
    private var second: Int64 = .min
    private var linesThisSecond = 0
    /// Lines kept back of peers that are no longer remembered, or because all together were too many.
    private var suppressedOthers = 0

    private static let interval: Int64 = 1000
    static let linesPerSecond = 10

    /// Nil when nothing shall be logged now.
    mutating func admit(_ peer: String, now: Int64) -> Admission? {
        if now - JunkLimiter.interval >= second {
            second = now
            linesThisSecond = 0
            forget(before: now - JunkLimiter.interval)
        }
        if var kept = peers[peer], now - kept.last < JunkLimiter.interval {
            kept.suppressed += 1
            peers[peer] = kept
            return nil
        }
        guard linesThisSecond < JunkLimiter.linesPerSecond else {
            suppressedOthers += 1
            return nil
        }
        linesThisSecond += 1
        defer { suppressedOthers = 0 }
        let own = peers.updateValue(Kept(last: now), forKey: peer)?.suppressed ?? 0
        return Admission(own: own, others: suppressedOthers)
    }

    /// Only peers that had a line are remembered, ten in a second: those of the last minute are enough to count for.
    private mutating func forget(before: Int64) {
        guard peers.count > 60 * JunkLimiter.linesPerSecond else { return }
        for kept in peers.values where kept.last < before { suppressedOthers += kept.suppressed }
        peers = peers.filter { $0.value.last >= before }
    }
}

/// Lets one line per second and peer through, and counts the rest: whoever sends junk shall not fill the log.
struct JunkLimiter {
    private struct Peer {
        var last: Int64
        var suppressed = 0
    }

    private var peers: [String: Peer] = [:]

    /// Milliseconds between two lines, and peers that are kept apart; beyond that they share one line a second.
    private static let interval: Int64 = 1000
    private static let maximumPeers = 1024
    private static let others = "others"

    /// Nil when nothing shall be logged now, else how many lines of this peer were kept back since the last one.
    mutating func admit(_ peer: String, now: Int64) -> Int? {
        if peers[peer] == nil, peers.count >= JunkLimiter.maximumPeers {
            peers = peers.filter { now - $0.value.last < JunkLimiter.interval }
        }
        let key = peers[peer] == nil && peers.count >= JunkLimiter.maximumPeers ? JunkLimiter.others : peer
        guard var known = peers[key] else {
            peers[key] = Peer(last: now)
            return 0
        }
        guard now - known.last >= JunkLimiter.interval else {
            known.suppressed += 1
            peers[key] = known
            return nil
        }
        peers[key] = Peer(last: now)
        return known.suppressed
    }
}

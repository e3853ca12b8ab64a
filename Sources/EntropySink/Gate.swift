import NIOConcurrencyHelpers

/// Counts open connections, all together and for each peer, so that one peer cannot take every place.
final class Gate: Sendable {
    /// Few enough for the usual limit of 1024 descriptors, and many more than there are sources.
    static let maximumConnections = 512
    static let maximumPerPeer = 32

    private struct Counts {
        var total = 0
        var perPeer: [String: Int] = [:]
    }

    private let counts = NIOLockedValueBox(Counts())

    /// False when there is no place for one more connection of this peer.
    func enter(_ peer: String) -> Bool {
        counts.withLockedValue { counts in
            let own = counts.perPeer[peer, default: 0]
            guard counts.total < Gate.maximumConnections, own < Gate.maximumPerPeer else { return false }
            counts.total += 1
            counts.perPeer[peer] = own + 1
            return true
        }
    }

    func leave(_ peer: String) {
        counts.withLockedValue { counts in
            counts.total -= 1
            let own = counts.perPeer[peer, default: 1] - 1
            counts.perPeer[peer] = own > 0 ? own : nil
        }
    }
}

import NIOConcurrencyHelpers

/// Counts open connections, all together and for each peer, so that one peer cannot take every place.
final class Gate: Sendable {
    /// Few enough for the usual limit of 1024 descriptors, and many more than there are sources.
    static let maximumConnections = 512
    static let maximumPerPeer = 32

    private struct Counts {
        var total = 0
        var perPeer: [String: Int] = [:]
        var isClosing = false
    }

    private let counts = NIOLockedValueBox(Counts())

    /// False when there is no place for one more connection of this peer.
    func enter(_ peer: Peer) -> Bool {
        counts.withLockedValue { counts in
            let own = counts.perPeer[peer.network, default: 0]
            guard counts.total < Gate.maximumConnections, own < Gate.maximumPerPeer else { return false }
            counts.total += 1
            counts.perPeer[peer.network] = own + 1
            return true
        }
    }

    /// The sink stops: what ends now was not ended by its peer.
    func close() { counts.withLockedValue { $0.isClosing = true } }

    var isClosing: Bool { counts.withLockedValue { $0.isClosing } }

    func leave(_ peer: Peer) {
        counts.withLockedValue { counts in
            counts.total -= 1
            let own = counts.perPeer[peer.network, default: 1] - 1
            counts.perPeer[peer.network] = own > 0 ? own : nil
        }
    }
}

import EntropyState
import NIOConcurrencyHelpers
import NIOCore

/// Counts connections and packets, all together and for each peer, so that one peer cannot take every place, nor all of
/// the time.
final class Gate: Sendable {
    private struct Counts {
        var channels: [ObjectIdentifier: Channel] = [:]
        var perPeer: [String: Int] = [:]
        var packets: [String: Int] = [:]
        /// Packets that nobody who is known made.
        var junk: [String: Int] = [:]
        /// Peers that have sent a packet which was accepted, and whom junk of a neighbour's shall not shut out.
        var sources: Set<String> = []
        /// Milliseconds at which the packets of a new minute, and the junk of new ten minutes, were begun to be counted.
        var minute: Int64 = .min
        var tenMinutes: Int64 = .min
        var isClosing = false

        /// Counts anew when it is time.
        mutating func turn(_ now: Int64) {
            if now - 60_000 >= minute { (minute, packets) = (now, [:]) }
            if now - 600_000 >= tenMinutes { (tenMinutes, junk) = (now, [:]) }
        }
    }

    /// Peers whose packets are counted within one minute; those beyond are too many to be sources.
    private static let maximumPeers = 65536
    /// Packets of one address within ten minutes that may be junk. A source with a wrong key sends one a minute at the most;
    /// beyond these its connections are closed at once until the time is over, before they cost much.
    static let junkLimit = 20

    private let current: NIOLockedValueBox<SinkLimits>
    private let counts = NIOLockedValueBox(Counts())

    init(_ limits: SinkLimits) { current = NIOLockedValueBox(limits) }

    /// What holds for connections and packets from now on. With a new configuration nobody's junk counts any more: it may have
    /// been a packet of whoever is known now.
    var limits: SinkLimits {
        get { current.withLockedValue { $0 } }
        set {
            current.withLockedValue { $0 = newValue }
            counts.withLockedValue { $0.junk = [:] }
        }
    }

    /// Why a peer may not come in.
    enum Refusal {
        /// There is no place for one more connection, or for one more of this peer.
        case full
        /// What came from it lately was junk.
        case junk
    }

    /// Nil when there is a place for one more connection of this peer.
    func enter(_ peer: Peer, _ channel: Channel, now: Int64) -> Refusal? {
        let limits = limits
        return counts.withLockedValue { counts in
            counts.turn(now)
            guard counts.junk[peer.network, default: 0] < Gate.junkLimit || counts.sources.contains(peer.network)
            else { return .junk }
            let own = counts.perPeer[peer.network, default: 0]
            guard counts.channels.count < limits.connections, own < limits.connectionsPerAddress else { return .full }
            counts.channels[ObjectIdentifier(channel)] = channel
            counts.perPeer[peer.network] = own + 1
            return nil
        }
    }

    /// A packet of this peer was accepted.
    func noteSource(_ peer: Peer) {
        counts.withLockedValue { counts in
            guard counts.sources.count < Gate.maximumPeers else { return }
            counts.sources.insert(peer.network)
        }
    }

    /// A packet of this peer was made by nobody who is known.
    func noteJunk(_ peer: Peer) {
        counts.withLockedValue { counts in
            guard counts.junk[peer.network] != nil || counts.junk.count < Gate.maximumPeers else { return }
            counts.junk[peer.network, default: 0] += 1
        }
    }

    /// False when this peer has had its packets of this minute.
    func admitPacket(_ peer: Peer, now: Int64) -> Bool {
        let limits = limits
        return counts.withLockedValue { counts in
            counts.turn(now)
            let own = counts.packets[peer.network, default: 0]
            guard own < limits.packetsPerMinute, own > 0 || counts.packets.count < Gate.maximumPeers else {
                return false
            }
            counts.packets[peer.network] = own + 1
            return true
        }
    }

    /// The sink stops: what ends now was not ended by its peer.
    func close() { counts.withLockedValue { $0.isClosing = true } }

    var isClosing: Bool { counts.withLockedValue { $0.isClosing } }

    /// The connections that are open now.
    var channels: [Channel] { counts.withLockedValue { Array($0.channels.values) } }

    func leave(_ peer: Peer, _ channel: Channel) {
        counts.withLockedValue { counts in
            counts.channels[ObjectIdentifier(channel)] = nil
            let own = counts.perPeer[peer.network, default: 1] - 1
            counts.perPeer[peer.network] = own > 0 ? own : nil
        }
    }
}

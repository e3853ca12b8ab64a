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
        /// Milliseconds at which the packets of a new minute were begun to be counted.
        var minute: Int64 = .min
        var isClosing = false
    }

    /// Peers whose packets are counted within one minute; those beyond are too many to be sources.
    private static let maximumPeers = 65536

    private let current: NIOLockedValueBox<SinkLimits>
    private let counts = NIOLockedValueBox(Counts())

    init(_ limits: SinkLimits) { current = NIOLockedValueBox(limits) }

    /// What holds for connections and packets from now on.
    var limits: SinkLimits {
        get { current.withLockedValue { $0 } }
        set { current.withLockedValue { $0 = newValue } }
    }

    /// False when there is no place for one more connection of this peer.
    func enter(_ peer: Peer, _ channel: Channel) -> Bool {
        let limits = limits
        return counts.withLockedValue { counts in
            let own = counts.perPeer[peer.network, default: 0]
            guard counts.channels.count < limits.connections, own < limits.connectionsPerAddress else { return false }
            counts.channels[ObjectIdentifier(channel)] = channel
            counts.perPeer[peer.network] = own + 1
            return true
        }
    }

    /// False when this peer has had its packets of this minute.
    func admitPacket(_ peer: Peer, now: Int64) -> Bool {
        let limits = limits
        return counts.withLockedValue { counts in
            if now - 60_000 >= counts.minute {
                counts.minute = now
                counts.packets = [:]
            }
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

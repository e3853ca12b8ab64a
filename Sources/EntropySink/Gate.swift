import EntropyState
import NIOConcurrencyHelpers
import NIOCore

/// Counts connections and packets, all together and for each network, so that one party cannot take every place, nor all of
/// the time. Networks from which packets were taken lately have places and packets of their own, which no stranger can take.
///
/// No address is shut out for what came from it: a good packet and a neighbour's junk can be told apart only by opening them.
/// So what an address sends beyond its share waits for what others send, and connections that say little give way to new ones.
final class Gate: Sendable {
    /// How a packet is dealt with.
    enum Turn {
        /// From a known source's network: there is always room for it.
        case source
        /// Within what any network may send.
        case stranger
        /// Beyond that: to be opened only if hardly any other packet waits.
        case spare
    }

    /// What becomes of a new connection.
    struct Entry {
        var isAdmitted = true
        /// Connections that have lost their places.
        var givingWay: [Channel] = []
    }

    private struct State {
        var connections = ConnectionTable()
        var packets = RateTable(size: 65536)
        var sourcePackets = RateTable(size: 4096)
        var sparePackets = RateTable(size: 65536)
        var isClosing = false
    }

    /// How many more connections, and packets, a known source's network may have than another.
    private static let sourceConnections = 4
    private static let sourcePackets = 10
    /// How much more an IPv6 /56 and /48 have than one /64.
    private static let surroundingFactors = [4, 16]
    /// The part of all places that only known sources' networks can take.
    private static let reservedPart = 8
    /// How many times `packetsPerMinute` are looked at while there is hardly anything else to do.
    private static let spareFactor = 100

    /// Networks from which packets were taken.
    let sources: KnownSources
    private let current: NIOLockedValueBox<SinkLimits>
    private let state = NIOLockedValueBox(State())

    init(_ limits: SinkLimits, _ sources: KnownSources) {
        current = NIOLockedValueBox(limits)
        self.sources = sources
    }

    /// What holds for connections and packets from now on.
    var limits: SinkLimits {
        get { current.withLockedValue { $0 } }
        set { current.withLockedValue { $0 = newValue } }
    }

    /// Finds a place for one more connection of this peer, if need be that of one that says little. `now` is in milliseconds.
    func enter(_ peer: Peer, _ channel: Channel, now: Int64) -> Entry {
        let limits = limits
        let isKnown = sources.contains(peer.network)
        return state.withLockedValue { state in
            var entry = Entry()
            for (network, most) in Gate.bounds(peer, isKnown, limits)
            where entry.isAdmitted && state.connections.count(of: network) >= most {
                entry.makeRoom(&state.connections, in: network, most, forKnown: isKnown)
            }
            let reserved = limits.connections / Gate.reservedPart
            let isFull =
                isKnown
                ? state.connections.count >= limits.connections
                : state.connections.strangers >= limits.connections - reserved
            if entry.isAdmitted, isFull {
                entry.makeRoom(&state.connections, in: nil, limits.connections, forKnown: false)
                // Only sources' connections are left.
                if isKnown, !entry.isAdmitted {
                    entry.isAdmitted = true
                    entry.makeRoom(&state.connections, in: nil, limits.connections, forKnown: true)
                }
            }
            if entry.isAdmitted {
                state.connections.add(
                    ConnectionTable.Place(channel: channel, peer: peer, isKnown: isKnown, opened: now))
            }
            return entry
        }
    }

    /// How many connections there may be of each network that the peer is in.
    private static func bounds(_ peer: Peer, _ isKnown: Bool, _ limits: SinkLimits) -> [(AddressPrefix, Int)] {
        let own = limits.connectionsPerAddress
        if isKnown { return [(peer.network, own * sourceConnections)] }
        return [(peer.network, own)] + zip(peer.surroundings, surroundingFactors).map { ($0, own * $1) }
    }

    /// So many bytes of a connection's packet have come.
    func note(_ channel: Channel, heard bytes: Int) {
        state.withLockedValue { $0.connections.note(channel, heard: bytes) }
    }

    /// A connection's packet has come: it gives way to nobody.
    func noteWhole(_ channel: Channel) { state.withLockedValue { $0.connections.noteWhole(channel) } }

    /// What becomes of a packet; nil if it is too much for its network. `now` is in milliseconds.
    func admitPacket(_ peer: Peer, now: Int64) -> Turn? {
        let most = limits.packetsPerMinute
        let isKnown = sources.contains(peer.network)
        return state.withLockedValue { state in
            if isKnown {
                let limit = RateTable.Limit(perMinute: most * Gate.sourcePackets)
                if state.sourcePackets.admit([(peer.network, limit)], now: now) { return .source }
            } else {
                let wider = zip(peer.surroundings, Gate.surroundingFactors).map {
                    ($0, RateTable.Limit(perMinute: most * $1))
                }
                let own = (peer.network, RateTable.Limit(perMinute: most))
                if state.packets.admit([own] + wider, now: now) { return .stranger }
            }
            let spare = RateTable.Limit(perMinute: most * Gate.spareFactor, burst: 1000)
            let networks = [peer.network] + (isKnown ? [] : peer.surroundings)
            return state.sparePackets.admit(networks.map { ($0, spare) }, now: now) ? .spare : nil
        }
    }

    /// The sink stops: what ends now was not ended by its peer.
    func close() { state.withLockedValue { $0.isClosing = true } }

    var isClosing: Bool { state.withLockedValue { $0.isClosing } }

    /// The connections that are open now.
    var channels: [Channel] { state.withLockedValue { $0.connections.channels } }

    /// A connection has ended; one that gave way has left already.
    func leave(_ channel: Channel) { state.withLockedValue { $0.connections.remove(channel) } }
}

extension Gate.Entry {
    fileprivate mutating func makeRoom(
        _ connections: inout ConnectionTable, in network: AddressPrefix?, _ most: Int, forKnown isKnown: Bool
    ) {
        let gone = connections.makeRoom(in: network, most, forKnown: isKnown)
        givingWay += gone
        isAdmitted = !gone.isEmpty
    }
}

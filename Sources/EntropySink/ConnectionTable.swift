import NIOCore

/// The open connections, and which of them gives way to a new one.
struct ConnectionTable {
    struct Place {
        let channel: Channel
        let peer: Peer
        /// From a known source's network.
        let isKnown: Bool
        /// Milliseconds.
        let opened: Int64
        /// In the order in which they came.
        fileprivate(set) var number = 0
        /// Bytes of its packet that have come.
        fileprivate(set) var heard = 0
        /// Its packet has come: it gives way to nobody.
        fileprivate(set) var isWhole = false

        /// The least gives way first: the oldest of those that say nothing. One that sends 50 bytes a second gives way to none
        /// that is younger.
        var standing: Int64 { opened + Int64(heard) * 20 }
    }

    /// When all places are taken, this part of them is made free at once: so the search costs little for each.
    private static let roomPart = 64

    private var places: [ObjectIdentifier: Place] = [:]
    private var members: [AddressPrefix: Set<ObjectIdentifier>] = [:]
    /// Places that known sources' networks do not have.
    private(set) var strangers = 0
    /// Places whose packets have not come.
    private var unfinished = 0
    private var lastNumber = 0

    var count: Int { places.count }

    var channels: [Channel] { places.values.map { $0.channel } }

    /// So many bytes of a connection's packet have come.
    mutating func note(_ channel: Channel, heard bytes: Int) { places[ObjectIdentifier(channel)]?.heard = bytes }

    /// A connection's packet has come.
    mutating func noteWhole(_ channel: Channel) {
        guard places[ObjectIdentifier(channel)]?.isWhole == false else { return }
        places[ObjectIdentifier(channel)]?.isWhole = true
        unfinished -= 1
    }

    /// How many there are of a network.
    func count(of network: AddressPrefix) -> Int { members[network]?.count ?? 0 }

    mutating func add(_ place: Place) {
        let id = ObjectIdentifier(place.channel)
        lastNumber += 1
        places[id] = place
        places[id]?.number = lastNumber
        for network in [place.peer.network] + place.peer.surroundings { members[network, default: []].insert(id) }
        unfinished += 1
        if !place.isKnown { strangers += 1 }
    }

    mutating func remove(_ channel: Channel) { remove(ObjectIdentifier(channel)) }

    private mutating func remove(_ id: ObjectIdentifier) {
        guard let place = places.removeValue(forKey: id) else { return }
        for network in [place.peer.network] + place.peer.surroundings {
            members[network]?.remove(id)
            if members[network]?.isEmpty == true { members[network] = nil }
        }
        if !place.isWhole { unfinished -= 1 }
        if !place.isKnown { strangers -= 1 }
    }

    /// Takes a part of `most` places, at least one, from those with the least standing, of a network or of all. The places of
    /// known sources' networks are taken for known sources only. Returns who lost theirs.
    mutating func makeRoom(in network: AddressPrefix?, _ most: Int, forKnown isKnown: Bool) -> [Channel] {
        guard unfinished > 0 else { return [] }
        let ids = network.map { members[$0] ?? [] } ?? Set(places.keys)
        let candidates = ids.compactMap { places[$0] }
            .filter { !$0.isWhole && (isKnown || !$0.isKnown) }
            .sorted { ($0.standing, $0.number) < ($1.standing, $1.number) }
            .prefix(max(1, most / ConnectionTable.roomPart))
        for place in candidates { remove(place.channel) }
        return candidates.map { $0.channel }
    }
}

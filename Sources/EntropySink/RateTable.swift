/// How many packets each network has sent lately, in a fixed amount of memory: however many networks there are, none is refused
/// for lack of room. Each network has a place in either of two rows, at places that nobody outside can know; the emptier of
/// the two counts. So a network suffers from others only if both of its places are also those of networks above their limits.
struct RateTable {
    /// What a network may send: `perMinute` packets in each minute, of which those of `burst` milliseconds may come at once.
    struct Limit {
        let perMinute: Int
        var burst: Int64 = 60_000
    }

    /// A power of two.
    private let size: Int
    /// Microseconds at which all that was sent would have been sent at the limit's rate.
    private var rows: [[Int64]]

    init(size: Int) {
        self.size = size
        rows = [[Int64](repeating: .min, count: size), [Int64](repeating: .min, count: size)]
    }

    /// Counts one more packet in each of the networks if it is within the limits of all. `now` is in milliseconds.
    mutating func admit(_ networks: [(AddressPrefix, Limit)], now: Int64) -> Bool {
        let isWithin = networks.allSatisfy { network, limit in
            after(network, limit, now) - now * 1000 <= max(limit.burst * 1000, RateTable.interval(limit))
        }
        guard isWithin else { return false }
        for (network, limit) in networks {
            let after = after(network, limit, now)
            for (row, place) in places(of: network).enumerated() { rows[row][place] = max(rows[row][place], after) }
        }
        return true
    }

    /// When all would have been sent, with one more.
    private func after(_ network: AddressPrefix, _ limit: Limit, _ now: Int64) -> Int64 {
        let places = places(of: network)
        return max(min(rows[0][places[0]], rows[1][places[1]]), now * 1000) + RateTable.interval(limit)
    }

    /// Microseconds for one packet.
    private static func interval(_ limit: Limit) -> Int64 { 60_000_000 / Int64(limit.perMinute) }

    private func places(of network: AddressPrefix) -> [Int] {
        // Seeded anew in each process.
        let hash = network.hashValue
        return [hash & (size - 1), hash >> 32 & (size - 1)]
    }
}

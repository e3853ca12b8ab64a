import EntropyPacket

/// When a sink gets its next packet: spread a little, so that a fleet of boards that were switched on together does not fall
/// into step, and later and later where deliveries fail.
struct Schedule {
    /// Seconds from one packet to the next, and from one scan to the next.
    let interval: Int64
    let scan: Int64
    /// 64 random bits.
    let random: () -> UInt64

    /// Seconds to the next packet: the interval, a tenth more or less.
    func spread() -> Int64 { saturatingSum(saturatingDifference(interval, tenth), share(of: tenth * 2)) }

    /// The longest that `spread` gives.
    var longest: Int64 { saturatingSum(interval, tenth) }

    /// Of the interval; a day is enough to keep a fleet apart.
    private var tenth: Int64 { min(interval / 10, 86400) }

    /// Seconds to the next try after so many failures in a row, one at least: doubled with each from the time between two
    /// scans on, up to the interval; the last half of it by chance.
    func retry(after failures: Int) -> Int64 {
        let doublings = min(max(0, failures - 1), 30)
        let (wait, overflow) = scan.multipliedReportingOverflow(by: 1 << Int64(doublings))
        let longest = max(scan, overflow ? interval : min(wait, interval))
        let half = longest / 2
        return saturatingSum(saturatingDifference(longest, half), share(of: half))
    }

    /// The same in an order of chance.
    func shuffled<Element>(_ elements: [Element]) -> [Element] {
        var elements = elements
        for place in elements.indices.dropLast() {
            elements.swapAt(place, place + Int(share(of: Int64(elements.count - 1 - place))))
        }
        return elements
    }

    /// 0 to `range`.
    private func share(of range: Int64) -> Int64 {
        range <= 0 ? 0 : Int64(random() % (UInt64(range) + 1))
    }
}

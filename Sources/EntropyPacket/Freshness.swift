/// What makes a packet fresh: a clock close to the sink's, and a counter above the last one.
public struct Freshness: Sendable {
    /// The greatest difference of the clocks in seconds, either way; exactly this much is accepted.
    public let drift: Int64

    public init(drift: Int64) { self.drift = drift }

    /// Throws `timestampOutsideDrift` or `counterRegressed`. No value of any argument traps: a bound beyond 64 bits is
    /// replaced by the last number, which no timestamp exceeds.
    public func check(_ packet: Packet, now: Int64, storedCounter: Int64) throws(PacketError) {
        guard drift >= 0, packet.timestamp <= saturatingSum(now, drift),
            packet.timestamp >= saturatingDifference(now, drift)
        else { throw .timestampOutsideDrift(seconds: saturatingDifference(packet.timestamp, now)) }
        guard packet.counter > storedCounter else { throw .counterRegressed(stored: storedCounter) }
    }
}

/// `a - b`, or the nearest 64-bit number.
public func saturatingDifference(_ a: Int64, _ b: Int64) -> Int64 {
    let (difference, overflow) = a.subtractingReportingOverflow(b)
    return overflow ? (a < b ? .min : .max) : difference
}

/// `a + b`, or the nearest 64-bit number.
public func saturatingSum(_ a: Int64, _ b: Int64) -> Int64 {
    let (sum, overflow) = a.addingReportingOverflow(b)
    return overflow ? (b < 0 ? .min : .max) : sum
}

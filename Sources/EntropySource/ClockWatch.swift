import EntropyPacket
import Platform

/// Whether the wall clock can be believed. A board has none that outlives a power cut: it starts in 1970, or where it was
/// when it was last switched off, and is set at some moment, if ever. A packet with a wrong time is refused by its sink, and
/// a `Next` that was computed from one may lie years away.
struct ClockWatch {
    enum Verdict: Equatable {
        case good
        /// It says less than when this program was released.
        case notSet(Int64)
        /// Between two looks it went so many seconds further, or less far, than the monotonic clock.
        case jumped(Int64)
        /// It jumped less than a minute ago.
        case settling
    }

    private let clock: Clock
    /// Unix time before which no clock can be right.
    private let earliest: Int64
    /// The wall clock less the monotonic one at the last look, and when that was; nil before the clock was set.
    private var last: (offset: Int64, at: Int64)?
    private var steadyFrom: Int64 = .min

    /// Milliseconds for which a clock that jumped has to be steady.
    static let settlingTime: Int64 = 60_000
    /// Milliseconds that are no jump, beside the thousandth by which a clock that is being adjusted may run fast or slow.
    private static let tolerance: Int64 = 10_000

    init(_ clock: Clock, earliest: Int64) {
        self.clock = clock
        self.earliest = earliest
    }

    /// Looks at both clocks. A jump is told once; that the clock was set for the first time is none.
    mutating func look() -> Verdict {
        let unix = clock.unixTime()
        let now = clock.milliseconds()
        guard unix >= earliest else {
            last = nil
            return .notSet(unix)
        }
        let (milliseconds, overflow) = unix.multipliedReportingOverflow(by: 1000)
        let offset = saturatingDifference(overflow ? .max : milliseconds, now)
        defer { last = (offset, now) }
        if let last {
            let difference = saturatingDifference(offset, last.offset)
            let allowed = saturatingSum(ClockWatch.tolerance, max(0, saturatingDifference(now, last.at)) / 1000)
            if difference > allowed || difference < -allowed {
                steadyFrom = saturatingSum(now, ClockWatch.settlingTime)
                return .jumped(difference / 1000)
            }
        }
        return now < steadyFrom ? .settling : .good
    }
}

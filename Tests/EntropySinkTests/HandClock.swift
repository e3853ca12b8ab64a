import NIOConcurrencyHelpers
import Platform

@testable import EntropySink

/// Both clocks, turned by hand, and a log that is kept.
final class HandClock: Sendable {
    private let times: NIOLockedValueBox<(unix: Int64, milliseconds: Int64)>
    private let kept: NIOLockedValueBox<[String]>
    let clock: Clock
    let log: Log

    init(unix: Int64 = 1000) {
        let times = NIOLockedValueBox((unix: unix, milliseconds: Int64(5_000_000)))
        let kept = NIOLockedValueBox([String]())
        clock = Clock(
            unixTime: { times.withLockedValue { $0.unix } }, milliseconds: { times.withLockedValue { $0.milliseconds } }
        )
        log = Log(clock: clock) { line in kept.withLockedValue { $0.append(line) } }
        (self.times, self.kept) = (times, kept)
    }

    /// What was logged.
    var lines: [String] { kept.withLockedValue { $0 } }

    /// Time passes.
    func pass(_ seconds: Int64) { times.withLockedValue { $0 = ($0.unix + seconds, $0.milliseconds + seconds * 1000) } }

    /// The wall clock is set.
    func set(_ unix: Int64) { times.withLockedValue { $0.unix = unix } }
}

import EntropyPacket
import EntropyState

/// Targets whose last deliveries failed, and when they are tried again. Kept in memory alone: a source that is started anew
/// tries each of them at once.
struct BackOff {
    private struct Failing {
        var failures = 0
        /// Milliseconds of the monotonic clock.
        var notBefore: Int64 = .min
    }

    private var failing: [Target.Identity: Failing] = [:]

    /// False while a target is to be left alone.
    func isDue(_ target: Target, now: Int64) -> Bool {
        guard let entry = failing[target.identity] else { return true }
        return now >= entry.notBefore
    }

    /// True for a target whose last delivery failed: those that did not fail come first.
    func isFailing(_ target: Target) -> Bool { failing[target.identity] != nil }

    /// Seconds until a failing target is tried again; nil for one that is not failing.
    func wait(of target: Target, now: Int64) -> Int64? {
        failing[target.identity].map { max(0, saturatingDifference($0.notBefore, now)) / 1000 }
    }

    /// Notes a failure, and returns after how many seconds the target is tried again.
    mutating func fail(_ target: Target, _ schedule: Schedule, now: Int64) -> Int64 {
        var entry = failing[target.identity] ?? Failing()
        if entry.failures < .max { entry.failures += 1 }
        let wait = schedule.retry(after: entry.failures)
        let (milliseconds, overflow) = wait.multipliedReportingOverflow(by: 1000)
        entry.notBefore = overflow ? .max : saturatingSum(now, milliseconds)
        failing[target.identity] = entry
        return wait
    }

    /// Forgets a target that was served, or whose entry changed.
    mutating func clear(_ target: Target) { failing[target.identity] = nil }

    /// Forgets whatever is not among these.
    mutating func keep(_ targets: Set<Target.Identity>) {
        failing = failing.filter { targets.contains($0.key) }
    }
}

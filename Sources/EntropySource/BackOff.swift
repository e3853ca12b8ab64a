import EntropyPacket
import EntropyState

/// Targets whose last deliveries failed, and when they are tried again. Kept in memory alone: a source that is started anew
/// tries each of them at once.
struct BackOff {
    private struct Failing {
        let target: Target
        var failures: Int
        /// Milliseconds of the monotonic clock.
        var notBefore: Int64
    }

    private var failing: [Failing] = []

    /// False while a target is to be left alone.
    func isDue(_ target: Target, now: Int64) -> Bool {
        guard let entry = failing.first(where: { $0.target.isSameEntry(as: target) }) else { return true }
        return now >= entry.notBefore
    }

    /// Notes a failure, and returns after how many seconds the target is tried again.
    mutating func fail(_ target: Target, _ schedule: Schedule, now: Int64) -> Int64 {
        let place: Int
        if let found = failing.firstIndex(where: { $0.target.isSameEntry(as: target) }) {
            place = found
        } else {
            failing.append(Failing(target: target, failures: 0, notBefore: 0))
            place = failing.count - 1
        }
        if failing[place].failures < .max { failing[place].failures += 1 }
        let wait = schedule.retry(after: failing[place].failures)
        let (milliseconds, overflow) = wait.multipliedReportingOverflow(by: 1000)
        failing[place].notBefore = overflow ? .max : saturatingSum(now, milliseconds)
        return wait
    }

    /// Forgets a target that was served, or whose entry changed.
    mutating func clear(_ target: Target) { failing.removeAll { $0.target.isSameEntry(as: target) } }

    /// Forgets whatever is no longer in the list.
    mutating func keep(_ targets: [Target]) {
        guard !failing.isEmpty else { return }
        failing.removeAll { entry in !targets.contains { $0.isSameEntry(as: entry.target) } }
    }
}

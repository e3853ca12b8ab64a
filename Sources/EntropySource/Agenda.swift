import EntropyPacket
import EntropyState

/// When the targets that were served in this run are due again, by the monotonic clock: the wall clock may jump. `Next` in
/// the list is the same moment by the wall clock, for the next run, and for an operator, who may change it.
struct Agenda {
    private struct Entry {
        /// `Next` as this program wrote it: another value is an operator's, and holds.
        let next: Int64
        /// What stood there before, until it is known that `next` could be written.
        var previous: Int64?
        /// Milliseconds of the monotonic clock.
        let due: Int64
    }

    private var entries: [Target.Identity: Entry] = [:]
    /// Whose `next` is not known to be in the list.
    private var unwritten: [Target.Identity] = []

    /// Both clocks at one moment: Unix seconds, and milliseconds of the monotonic one.
    struct Moment {
        let unix: Int64
        let milliseconds: Int64
    }

    /// True when the next packet for `target` is due.
    func isDue(_ target: Target, _ now: Moment) -> Bool {
        guard let entry = entry(of: target) else { return target.next <= now.unix }
        return entry.due <= now.milliseconds
    }

    /// True when `Next` stands as this program wrote it in this run.
    func knows(_ target: Target) -> Bool { entry(of: target) != nil }

    /// Notes that a target is due again in so many seconds, and returns the `Next` to write.
    mutating func serve(_ target: Target, again seconds: Int64, _ now: Moment) -> Int64 {
        let next = saturatingSum(now.unix, seconds)
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        let due = overflow ? .max : saturatingSum(now.milliseconds, milliseconds)
        note(target, next, due)
        return next
    }

    private mutating func note(_ target: Target, _ next: Int64, _ due: Int64) {
        entries[target.identity] = Entry(next: next, previous: target.next, due: due)
        unwritten.append(target.identity)
    }

    /// The list has taken what was to be written.
    mutating func written() {
        for identity in unwritten { entries[identity]?.previous = nil }
        unwritten = []
    }

    /// After the wall clock jumped: each target's `Next` by what the clock says now.
    mutating func recompute(_ targets: [Target], _ now: Moment) -> [TargetList.Note] {
        targets.compactMap { target in
            guard let entry = entry(of: target) else { return nil }
            let next = saturatingSum(now.unix, max(0, saturatingDifference(entry.due, now.milliseconds)) / 1000)
            note(target, next, entry.due)
            return .next(next, of: target)
        }
    }

    /// Forgets whatever is not among these.
    mutating func keep(_ targets: Set<Target.Identity>) {
        entries = entries.filter { targets.contains($0.key) }
    }

    private func entry(of target: Target) -> Entry? {
        guard let entry = entries[target.identity] else { return nil }
        return entry.next == target.next || entry.previous == target.next ? entry : nil
    }
}

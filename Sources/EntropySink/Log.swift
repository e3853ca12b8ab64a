import NIOConcurrencyHelpers
import Platform

/// The sink's log: lines about packets as they come, lines about junk at most one per second and peer.
public final class Log: Sendable {
    private let say: @Sendable (String) -> Void
    private let clock: Clock
    private let limiter = NIOLockedValueBox(JunkLimiter())

    public init(clock: Clock, say: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.say = say
    }

    func line(_ text: String) { say(text) }

    func junk(_ peer: String, _ text: String) {
        let now = clock.milliseconds()
        guard let kept = limiter.withLockedValue({ $0.admit(peer, now: now) }) else { return }
        say(kept == 0 ? "\(peer): \(text)" : "\(peer): \(text) (and \(kept) more like it)")
    }
}

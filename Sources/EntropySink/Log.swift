import NIOConcurrencyHelpers
import Platform

/// The sink's log: lines about packets as they come, lines about junk at a bounded rate.
public final class Log: Sendable {
    private let say: @Sendable (String) -> Void
    private let clock: Clock
    private let limiter = NIOLockedValueBox(JunkLimiter())

    public init(clock: Clock, say: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.say = say
    }

    func line(_ text: String) { say(text) }

    func junk(_ peer: Peer, _ text: String) {
        let now = clock.milliseconds()
        guard let kept = limiter.withLockedValue({ $0.admit(peer.network, now: now) }) else { return }
        var line = "\(peer.text): \(text)"
        if kept.own > 0 { line += " (and \(kept.own) more of this peer)" }
        if kept.others > 0 { line += " (and \(kept.others) of others)" }
        say(line)
    }
}

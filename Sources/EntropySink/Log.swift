import EntropyState
import NIOConcurrencyHelpers
import Platform

/// The sink's log: lines about packets that were mixed as they come; all that strangers, a recording or a broken disk can
/// repeat at a bounded rate, each kind by itself.
public final class Log: Sendable {
    private struct Limiters {
        /// What anyone at all can cause.
        var strangers = LineLimiter(interval: 1000, whose: "strangers")
        /// What a recording of a signer's packet can cause, which anyone can send. One kind for each reason.
        var recordings = LineLimiter(interval: 10_000, whose: "this signer")
        /// What only a signer itself, or this machine, can cause. One kind for each reason.
        var faults = LineLimiter(interval: 60_000, whose: "this signer")
    }

    private let say: @Sendable (String) -> Void
    private let clock: Clock
    private let limiters = NIOLockedValueBox(Limiters())

    public init(clock: Clock, say: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.say = say
    }

    func line(_ text: String) { say(text) }

    /// About what could not be authenticated. What was sealed to this sink is a kind of its own: an operator whose source has a key
    /// that is not listed looks for that line.
    func stranger(_ peer: Peer, isForUs: Bool = false, _ text: String) {
        let (now, kind) = (clock.milliseconds(), isForUs ? "for us" : "")
        if let line = limiters.withLockedValue({ $0.strangers.admit(kind, "\(peer.text): \(text)", now: now) }) {
            say(line)
        }
    }

    /// About a packet of this signer, by its label, that was not mixed.
    func refused(_ signer: String, _ reason: SinkReport.Refusal, _ peer: Peer, _ text: String) {
        let (now, kind, whole) = (clock.milliseconds(), "\(signer) \(reason.rawValue)", "\(peer.text): \(text)")
        let line = limiters.withLockedValue { limiters in
            switch reason {
            case .recipient, .drift, .counter: limiters.recordings.admit(kind, whole, now: now)
            case .storage, .chunk, .pool: limiters.faults.admit(kind, whole, now: now)
            }
        }
        if let line { say(line) }
    }

    /// Says what was held back and must not be lost. To be called every few seconds.
    public func flush() {
        let now = clock.milliseconds()
        let lines = limiters.withLockedValue { limiters in
            limiters.strangers.flush(now: now) + limiters.recordings.flush(now: now) + limiters.faults.flush(now: now)
        }
        for line in lines { say(line) }
    }
}

import NIOConcurrencyHelpers
import Platform

/// The sink's log: lines about packets that were taken as they come, lines that anyone at all can cause at a bounded rate, and
/// so those about chunks that are no use.
public final class Log: Sendable {
    private let say: @Sendable (String) -> Void
    private let clock: Clock
    private let limiter = NIOLockedValueBox(JunkLimiter())
    private let signerLimiter = NIOLockedValueBox(SignerLimiter())

    public init(clock: Clock, say: @escaping @Sendable (String) -> Void) {
        self.clock = clock
        self.say = say
    }

    func line(_ text: String) { say(text) }

    func junk(_ origin: JunkLimiter.Origin, _ peer: Peer, _ text: String) {
        let now = clock.milliseconds()
        if let line = limiter.withLockedValue({ $0.admit(origin, "\(peer.text): \(text)", now: now) }) { say(line) }
    }

    /// What only this signer can have caused, whose label it is.
    func fault(_ signer: String, _ peer: Peer, _ text: String) {
        let now = clock.milliseconds()
        if let line = signerLimiter.withLockedValue({ $0.admit(signer, "\(peer.text): \(text)", now: now) }) {
            say(line)
        }
    }

    /// Says what was held back and must not be lost. To be called every few seconds.
    public func flush() {
        let now = clock.milliseconds()
        if let line = limiter.withLockedValue({ $0.flush(now: now) }) { say(line) }
        for line in signerLimiter.withLockedValue({ $0.flush(now: now) }) { say(line) }
    }
}

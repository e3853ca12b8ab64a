import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Whether the sink still does its work: a question that goes once through the event loop and through the threads that
/// open and judge. One that hangs does not answer, and systemd's watchdog is not fed.
final class Pulse: Sendable {
    private let isAnswered = NIOLockedValueBox(true)

    /// True when the last question was answered; asks the next one then.
    func check(_ eventLoop: EventLoop, _ openers: NIOThreadPool, _ worker: NIOThreadPool) -> Bool {
        guard isAnswered.withLockedValue({ $0 }) else { return false }
        isAnswered.withLockedValue { $0 = false }
        let isAnswered = isAnswered
        eventLoop.execute {
            openers.submit { _ in
                worker.submit { _ in isAnswered.withLockedValue { $0 = true } }
            }
        }
        return true
    }
}

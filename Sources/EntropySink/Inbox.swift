import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Packets that wait for the receiver. Whatever came while it was at work goes to it together: in a burst, many packets
/// share one write of their counters to the medium.
final class Inbox: Sendable {
    private struct Waiting {
        var packets: [(arrival: Receiver.Arrival, promise: EventLoopPromise<Receiver.Answer>)] = []
        /// The worker is at it, and looks again before it rests.
        var isWorking = false
    }

    /// Packets of one round: nobody's receipt waits for more than these.
    private static let roundSize = 256

    private let waiting = NIOLockedValueBox(Waiting())
    private let worker: NIOThreadPool
    private let judge: @Sendable ([Receiver.Arrival]) -> [Receiver.Answer]

    /// `worker` has one thread, and `judge` is called on no other.
    init(_ worker: NIOThreadPool, judge: @escaping @Sendable ([Receiver.Arrival]) -> [Receiver.Answer]) {
        self.worker = worker
        self.judge = judge
    }

    func submit(_ arrival: Receiver.Arrival, _ eventLoop: EventLoop) -> EventLoopFuture<Receiver.Answer> {
        let promise = eventLoop.makePromise(of: Receiver.Answer.self)
        let isIdle = waiting.withLockedValue { waiting in
            waiting.packets.append((arrival, promise))
            defer { waiting.isWorking = true }
            return !waiting.isWorking
        }
        if isIdle { worker.submit { state in self.work(isCancelled: state == .cancelled) } }
        return promise.futureResult
    }

    private func work(isCancelled: Bool) {
        while true {
            let round = waiting.withLockedValue { waiting in
                let round = waiting.packets.prefix(Inbox.roundSize)
                waiting.packets.removeFirst(round.count)
                if round.isEmpty { waiting.isWorking = false }
                return round
            }
            guard !round.isEmpty else { return }
            guard !isCancelled else {
                for (_, promise) in round { promise.fail(ChannelError.ioOnClosedChannel) }
                continue
            }
            for (answer, (_, promise)) in zip(judge(round.map { $0.arrival }), round) { promise.succeed(answer) }
        }
    }
}

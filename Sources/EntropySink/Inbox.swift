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
    /// Packets that wait at the most. A peer's place among the connections is free again once it has gone, its packet is not.
    private static let maximumCount = 4096

    private let waiting = NIOLockedValueBox(Waiting())
    private let worker: NIOThreadPool
    private let judge: @Sendable ([Receiver.Arrival]) -> [Receiver.Answer]

    /// `worker` has one thread, and `judge` is called on no other.
    init(_ worker: NIOThreadPool, judge: @escaping @Sendable ([Receiver.Arrival]) -> [Receiver.Answer]) {
        self.worker = worker
        self.judge = judge
    }

    /// The answer to one packet; fails where too many wait.
    func submit(_ arrival: Receiver.Arrival, _ eventLoop: EventLoop) -> EventLoopFuture<Receiver.Answer> {
        let promise = eventLoop.makePromise(of: Receiver.Answer.self)
        let (isTaken, isIdle) = waiting.withLockedValue { waiting in
            guard waiting.packets.count < Inbox.maximumCount else { return (false, false) }
            waiting.packets.append((arrival, promise))
            defer { waiting.isWorking = true }
            return (true, !waiting.isWorking)
        }
        if !isTaken { promise.fail(ChannelError.ioOnClosedChannel) }
        if isIdle { schedule() }
        return promise.futureResult
    }

    private func schedule() { worker.submit { state in self.work(isCancelled: state == .cancelled) } }

    /// One round. What is left comes after whatever else the worker was asked for: a new configuration, a sign of life.
    private func work(isCancelled: Bool) {
        let round = waiting.withLockedValue { waiting in
            let round = Array(waiting.packets.prefix(Inbox.roundSize))
            waiting.packets.removeFirst(round.count)
            return round
        }
        if isCancelled {
            for (_, promise) in round { promise.fail(ChannelError.ioOnClosedChannel) }
        } else {
            for (answer, (_, promise)) in zip(judge(round.map { $0.arrival }), round) { promise.succeed(answer) }
        }
        let isDone = waiting.withLockedValue { waiting in
            if waiting.packets.isEmpty { waiting.isWorking = false }
            return waiting.packets.isEmpty
        }
        if !isDone { schedule() }
    }
}

import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// Packets that came. They are opened side by side, by as many threads as there are processors, and judged by one, in the order in
/// which they came: none of a signer's overtakes another. Whatever was opened while the one was at work goes to it together: in
/// a burst, many packets share one write of their counters to the medium.
final class Inbox: Sendable {
    private struct Waiting {
        let arrival: Receiver.Arrival
        let promise: EventLoopPromise<Receiver.Answer>
        /// Nil until a thread has opened it.
        var opened: Opener.Opened?
    }

    private struct State {
        /// In the order in which they came.
        var packets: [Waiting] = []
        /// How many have left, and how many of all that ever came a thread has begun to open.
        var gone = 0
        var begun = 0
        /// How many at the front are opened.
        var ready = 0
        /// Threads that open; each looks again before it rests.
        var opening = 0
        /// The worker is at it, and looks again before it rests.
        var isJudging = false

        /// The first that nobody has begun to open.
        mutating func next() -> (number: Int, Receiver.Arrival)? {
            guard begun - gone < packets.count else { return nil }
            defer { begun += 1 }
            return (begun, packets[begun - gone].arrival)
        }

        mutating func note(_ opened: Opener.Opened, at number: Int) {
            // It may have been given up meanwhile, at the end of all.
            guard number >= gone else { return }
            packets[number - gone].opened = opened
            while ready < packets.count, packets[ready].opened != nil { ready += 1 }
        }

        /// Those at the front that are opened, at most so many.
        mutating func take(_ most: Int) -> [Waiting] {
            let count = min(most, ready)
            defer {
                packets.removeFirst(count)
                gone += count
                ready -= count
            }
            return Array(packets.prefix(count))
        }

        /// True once for whoever is to start the worker: when there are some for it that share a write, or nothing else waits to
        /// be opened. A write costs as much as many packets.
        mutating func mayJudge() -> Bool {
            guard !isJudging, ready > 0, ready >= Inbox.groupSize || begun - gone == packets.count else { return false }
            isJudging = true
            return true
        }
    }

    /// Packets that are enough for a round, and that it has at the most: nobody's receipt waits for more than these.
    private static let groupSize = 64
    private static let roundSize = 256
    /// Packets that may wait before one more is refused. A peer's place among the connections is free again once it has gone,
    /// its packet is not.
    private static func room(for turn: Gate.Turn) -> Int {
        switch turn {
        case .source: 5120
        case .stranger: 4096
        case .spare: roundSize
        }
    }

    private let state = NIOLockedValueBox(State())
    private let openers: NIOThreadPool
    private let openerCount: Int
    private let worker: NIOThreadPool
    private let open: @Sendable (Receiver.Arrival) -> Opener.Opened
    private let judge: @Sendable ([Opener.Opened]) -> [Receiver.Answer]

    /// `openers` has so many threads, each of which may call `open`; `worker` has one, and `judge` is called on no other.
    init(
        _ openers: NIOThreadPool, _ openerCount: Int, _ worker: NIOThreadPool,
        open: @escaping @Sendable (Receiver.Arrival) -> Opener.Opened,
        judge: @escaping @Sendable ([Opener.Opened]) -> [Receiver.Answer]
    ) {
        self.openers = openers
        self.openerCount = openerCount
        self.worker = worker
        self.open = open
        self.judge = judge
    }

    /// The answer to one packet; fails where too many wait.
    func submit(
        _ arrival: Receiver.Arrival, _ turn: Gate.Turn, _ eventLoop: EventLoop
    ) -> EventLoopFuture<Receiver.Answer> {
        let promise = eventLoop.makePromise(of: Receiver.Answer.self)
        let (isTaken, isWanted) = state.withLockedValue { state in
            guard state.packets.count < Inbox.room(for: turn) else { return (false, false) }
            state.packets.append(Waiting(arrival: arrival, promise: promise))
            guard state.opening < openerCount else { return (true, false) }
            state.opening += 1
            return (true, true)
        }
        if !isTaken { promise.fail(ChannelError.ioOnClosedChannel) }
        if isWanted { startOpening() }
        return promise.futureResult
    }

    /// Opens one after the other, as long as there are any. After some of them whatever else the threads were asked for has its turn:
    /// a sign of life.
    private func openSome(isCancelled: Bool) {
        guard !isCancelled else {
            state.withLockedValue { $0.opening -= 1 }
            return abandon()
        }
        for _ in 0..<Inbox.groupSize {
            let next = state.withLockedValue { state in
                let next = state.next()
                if next == nil { state.opening -= 1 }
                return next
            }
            guard let (number, arrival) = next else { return }
            let opened = open(arrival)
            let isFirst = state.withLockedValue { state in
                state.note(opened, at: number)
                return state.mayJudge()
            }
            if isFirst { schedule() }
        }
        startOpening()
    }

    private func startOpening() { openers.submit { self.openSome(isCancelled: $0 == .cancelled) } }

    private func schedule() { worker.submit { state in self.work(isCancelled: state == .cancelled) } }

    /// One round. What is left comes after whatever else the worker was asked for: a new configuration, a sign of life.
    private func work(isCancelled: Bool) {
        guard !isCancelled else { return abandon() }
        let round = state.withLockedValue { $0.take(Inbox.roundSize) }
        for (answer, waiting) in zip(judge(round.compactMap { $0.opened }), round) { waiting.promise.succeed(answer) }
        let isMore = state.withLockedValue { state in
            state.isJudging = false
            return state.mayJudge()
        }
        if isMore { schedule() }
    }

    /// The threads have ended: nobody will judge what is left.
    private func abandon() {
        let left = state.withLockedValue { state in
            defer {
                state.gone += state.packets.count
                state.begun = state.gone
                (state.packets, state.ready) = ([], 0)
            }
            return state.packets
        }
        for waiting in left { waiting.promise.fail(ChannelError.ioOnClosedChannel) }
    }
}

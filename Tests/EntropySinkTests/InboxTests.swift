import Dispatch
import EntropyCrypto
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import Support
import Testing

@testable import EntropySink

/// Packets that come while others are judged.
@Suite struct InboxTests {
    /// The sizes of the rounds, written by the worker alone.
    final class Rounds: @unchecked Sendable {
        var sizes: [Int] = []
        let begun = DispatchSemaphore(value: 0)
        let mayGoOn = DispatchSemaphore(value: 0)
    }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let openers = NIOThreadPool(numberOfThreads: 2)
    let worker = NIOThreadPool(numberOfThreads: 1)

    init() {
        openers.start()
        worker.start()
    }

    func end() throws {
        try openers.syncShutdownGracefully()
        try worker.syncShutdownGracefully()
        try group.syncShutdownGracefully()
    }

    /// An inbox whose packets are no packets: each is answered with itself.
    func inbox(
        open: @escaping @Sendable (Receiver.Arrival) -> Void = { _ in },
        judge: @escaping @Sendable ([[UInt8]]) -> Void
    ) -> Inbox {
        let keys = Opener.Keys(BoxPrivateKey(), [])
        return Inbox(
            openers, 2, worker,
            open: {
                open($0)
                return Opener.Opened(arrival: $0, keys: keys, content: nil)
            },
            judge: { opened in
                judge(opened.map { $0.arrival.bytes })
                return opened.map { Receiver.Answer(receipt: $0.arrival.bytes) }
            })
    }

    func submit(_ number: Int, _ turn: Gate.Turn = .stranger, to inbox: Inbox) -> EventLoopFuture<Receiver.Answer> {
        inbox.submit(
            Receiver.Arrival(bytes: [UInt8(number & 255), UInt8(number >> 8)], peer: Peer(nil)), turn, group.any())
    }

    @Test func whatCameMeanwhileIsJudgedTogether() throws {
        let rounds = Rounds()
        let opened = NIOLockedValueBox(0)
        let inbox = inbox(
            open: { _ in opened.withLockedValue { $0 += 1 } },
            judge: { packets in
                rounds.sizes.append(packets.count)
                if rounds.sizes.count == 1 {
                    rounds.begun.signal()
                    rounds.mayGoOn.wait()
                }
            })
        let first = submit(0, to: inbox)
        rounds.begun.wait()
        let others = (1...600).map { submit($0, to: inbox) }
        #expect(eventually { opened.withLockedValue { $0 } == 601 })
        // The last one may have been opened and not be noted yet.
        try openers.runIfActive(eventLoop: group.any()) {}.wait()
        try openers.runIfActive(eventLoop: group.any()) {}.wait()
        rounds.mayGoOn.signal()
        // Each has its own answer.
        #expect(try first.wait().receipt == [0, 0])
        for (place, other) in others.enumerated() {
            #expect(try other.wait().receipt == [UInt8((place + 1) & 255), UInt8((place + 1) >> 8)])
        }
        #expect(rounds.sizes.first == 1)
        #expect(rounds.sizes.reduce(0, +) == 601)
        #expect(rounds.sizes.allSatisfy { $0 <= 256 })
        #expect(rounds.sizes.count <= 5)
        // And after a rest it begins anew.
        #expect(try submit(7, to: inbox).wait().receipt == [7, 0])
        try end()
    }

    /// The first packet takes long to open; those after it are opened meanwhile and wait: a signer's counters come in order.
    @Test func noPacketOvertakesAnother() throws {
        let (isLate, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let opened = NIOLockedValueBox(0)
        let order = NIOLockedValueBox<[UInt8]>([])
        let inbox = inbox(
            open: { arrival in
                if arrival.bytes[0] == 0 {
                    isLate.signal()
                    mayGoOn.wait()
                }
                opened.withLockedValue { $0 += 1 }
            },
            judge: { packets in order.withLockedValue { $0 += packets.map { $0[0] } } })
        let first = submit(0, to: inbox)
        isLate.wait()
        let others = (1...100).map { submit($0, to: inbox) }
        #expect(eventually { opened.withLockedValue { $0 } == 100 })
        #expect(order.withLockedValue { $0 } == [])
        mayGoOn.signal()
        #expect(try first.wait().receipt == [0, 0])
        for other in others { _ = try other.wait() }
        #expect(order.withLockedValue { $0 } == Array(0...100))
        try end()
    }

    /// More than 4,096 packets are not kept, and those that are kept are answered at the end, too.
    @Test func tooManyAreRefusedAndNobodyIsForgotten() throws {
        let (isBegun, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let inbox = inbox(
            open: { arrival in
                guard arrival.bytes == [0, 0] else { return }
                isBegun.signal()
                mayGoOn.wait()
            }, judge: { _ in })
        let first = submit(0, to: inbox)
        isBegun.wait()
        let others = (1...5000).map { submit($0, to: inbox) }
        for refused in others[4095...] { #expect(throws: ChannelError.ioOnClosedChannel) { try refused.wait() } }
        // A known source's packet has room all the same; what is beyond an address's share waits for nothing.
        let source = submit(5001, .source, to: inbox)
        #expect(throws: ChannelError.ioOnClosedChannel) { try submit(5002, .spare, to: inbox).wait() }
        mayGoOn.signal()
        #expect(try source.wait().receipt == [UInt8(5001 & 255), UInt8(5001 >> 8)])
        #expect(try first.wait().receipt == [0, 0])
        for other in others[..<4095] { #expect(try other.wait().receipt != nil) }
        try end()
    }

    /// However many packets wait, the threads that open them do else what they are asked for: a sign of life.
    @Test func openingDoesNotKeepTheThreadsForItself() throws {
        let (isBegun, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let opened = NIOLockedValueBox(0)
        let one = NIOThreadPool(numberOfThreads: 1)
        one.start()
        let keys = Opener.Keys(BoxPrivateKey(), [])
        let inbox = Inbox(
            one, 1, worker,
            open: { arrival in
                if opened.withLockedValue({ $0 }) == 0 {
                    isBegun.signal()
                    mayGoOn.wait()
                }
                opened.withLockedValue { $0 += 1 }
                return Opener.Opened(arrival: arrival, keys: keys, content: nil)
            },
            judge: { $0.map { _ in Receiver.Answer(receipt: nil) } })
        let answers = (0..<1000).map { submit($0, to: inbox) }
        isBegun.wait()
        let sign = one.runIfActive(eventLoop: group.any()) { opened.withLockedValue { $0 } }
        mayGoOn.signal()
        #expect(try sign.wait() < 1000)
        for answer in answers { _ = try answer.wait() }
        try one.syncShutdownGracefully()
        try end()
    }
}

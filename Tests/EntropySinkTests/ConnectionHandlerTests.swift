import EntropyPacket
import EntropyState
import NIOCore
import NIOEmbedded
import Platform
import Testing

@testable import EntropySink

/// One connection, with the event loop's time in hand.
@Suite final class ConnectionHandlerTests {
    /// The packets that were handed over, and the promise of the last one's answer.
    final class Desk: @unchecked Sendable {
        var packets: [[UInt8]] = []
        var answer: EventLoopPromise<Receiver.Answer>?
    }

    let desk = Desk()
    let gate = Gate(.standard, KnownSources(clock: .system))
    private var channels: [EmbeddedChannel] = []

    deinit {
        // One that is not finished is never freed.
        for channel in channels { _ = try? channel.finish(acceptAlreadyClosed: true) }
    }

    func connect() throws -> EmbeddedChannel {
        let desk = desk
        let log = Log(clock: .system) { _ in }
        let handler = ConnectionHandler(gate: gate, log: log, clock: .system) { arrival, _, eventLoop in
            desk.packets.append(arrival.bytes)
            let promise = eventLoop.makePromise(of: Receiver.Answer.self)
            desk.answer = promise
            return promise.futureResult
        }
        let channel = EmbeddedChannel(handler: handler)
        channels.append(channel)
        try channel.connect(to: SocketAddress(ipAddress: "192.0.2.1", port: 1)).wait()
        return channel
    }

    @Test func aDeadlineEndsWhateverIsSlow() throws {
        let channel = try connect()
        for _ in 0..<59 {
            // A byte every second keeps nothing alive.
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(ByteBuffer(bytes: [0x04]))
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
        #expect(desk.packets.isEmpty)
    }

    @Test func aDeadlineEndsAJudgementToo() throws {
        let channel = try connect()
        let packet = [UInt8](repeating: 1, count: 100)
        try channel.writeInbound(ByteBuffer(bytes: Frame.encode(packet)))
        #expect(desk.packets == [packet])
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(!channel.isActive)
        // The answer comes too late: nothing is written to what is closed.
        desk.answer?.succeed(Receiver.Answer(receipt: [1, 2, 3]))
        channel.embeddedEventLoop.run()
        #expect(try channel.readOutbound(as: ByteBuffer.self) == nil)
    }

    @Test func onePacketIsTakenHoweverItArrives() throws {
        let packet = (0..<1399).map { UInt8(truncatingIfNeeded: $0) }
        for size in [1, 2, 3, 7, 700, 1401, 2000] {
            let channel = try connect()
            desk.packets = []
            // What follows the frame is dropped.
            let bytes = Frame.encode(packet) + [9, 9, 9]
            for start in stride(from: 0, to: bytes.count, by: size) {
                try channel.writeInbound(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(desk.packets == [packet])
            desk.answer?.succeed(Receiver.Answer(receipt: [1, 2, 3]))
            channel.embeddedEventLoop.run()
            #expect(try channel.readOutbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
            #expect(!channel.isActive)
        }
    }

    @Test func aBadLengthEndsIt() throws {
        for length in [0, 71, 4097, 65535] {
            let channel = try connect()
            try channel.writeInbound(ByteBuffer(bytes: [UInt8(length >> 8), UInt8(length & 0xff)]))
            #expect(!channel.isActive)
            #expect(desk.packets.isEmpty)
        }
    }

    /// The kernel keeps what comes in pieces until it is enough.
    @Test func aPacketInPiecesWakesNobodyForEach() throws {
        let channel = try connect()
        let frame = Frame.encode([UInt8](repeating: 1, count: 1400))
        func leastReadable() -> Int? {
            channel.options.compactMap { ($0.value as? ChannelOptions.Types.SocketOption.Value).map { Int($0) } }.last
        }
        try channel.writeInbound(ByteBuffer(bytes: frame.prefix(1)))
        #expect(leastReadable() == nil)
        try channel.writeInbound(ByteBuffer(bytes: frame[1..<2]))
        #expect(leastReadable() == 64)
        try channel.writeInbound(ByteBuffer(bytes: frame[2..<1382]))
        #expect(leastReadable() == 20)
        #expect(desk.packets.isEmpty)
    }

    @Test func whoSaysLittleGivesWay() throws {
        let channels = try (0...SinkLimits.standard.connectionsPerAddress).map { _ in try connect() }
        #expect(!channels[0].isActive)
        #expect(channels.dropFirst().allSatisfy { $0.isActive })
        // One whose packet is being judged does not.
        try channels[1].writeInbound(ByteBuffer(bytes: Frame.encode([UInt8](repeating: 1, count: 100))))
        _ = try connect()
        #expect(channels[1].isActive && !channels[2].isActive)
        desk.answer?.succeed(Receiver.Answer(receipt: [1, 2, 3]))
        channels[1].embeddedEventLoop.run()
        #expect(!channels[1].isActive)
    }

    /// The sink is about to end.
    @Test func whatIsArrivingComesToItsEnd() throws {
        let (idle, slow, late) = (try connect(), try connect(), try connect())
        let frame = Frame.encode([UInt8](repeating: 1, count: 100))
        try slow.writeInbound(ByteBuffer(bytes: frame.prefix(50)))
        gate.close()
        for each in [idle, slow, late] { each.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        func pass(_ milliseconds: Int64) {
            for each in [idle, slow, late] { each.embeddedEventLoop.advanceTime(by: .milliseconds(milliseconds)) }
        }
        // One whose packet was on its way, and came within a second.
        pass(900)
        try late.writeInbound(ByteBuffer(bytes: frame.prefix(2)))
        pass(100)
        #expect(!idle.isActive && slow.isActive && late.isActive)
        pass(8900)
        try slow.writeInbound(ByteBuffer(bytes: frame.dropFirst(50)))
        #expect(desk.packets.count == 1)
        pass(100)
        // Ten seconds are enough; a packet that is being judged is waited for.
        #expect(!late.isActive && slow.isActive)
        desk.answer?.succeed(Receiver.Answer(receipt: [1, 2, 3]))
        slow.embeddedEventLoop.run()
        #expect(try slow.readOutbound(as: ByteBuffer.self) == ByteBuffer(bytes: [1, 2, 3]))
        #expect(!slow.isActive)
    }
}

import EntropyPacket
import NIOCore
import Platform

/// One connection: gathers one frame, however its bytes arrive, hands it over, sends the receipt and closes. A deadline
/// ends whatever does not come to that; a sink that is about to end brings the deadline forward.
///
/// A packet that was judged ends the connection as usual, with a receipt or, if nobody who is known made it, without. Everything
/// else ends it with a reset: so a source knows that its packet was not judged.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Another connection needs its place.
    struct GiveWay {}

    private enum State {
        case reading
        /// The packet is with the receiver; what else arrives is dropped.
        case judging
        case done
    }

    private let gate: Gate
    private let log: Log
    private let clock: Clock
    private let judge: @Sendable (Receiver.Arrival, Gate.Turn, EventLoop) -> EventLoopFuture<Receiver.Answer>
    private var state = State.reading
    private var reader: FrameReader
    private var timer: Scheduled<Void>?
    private var peer = Peer(nil)
    private var isAdmitted = false

    /// Seconds for a packet of which something has arrived when the sink is about to end, and for one of which nothing has:
    /// it may be on its way.
    static let graceSeconds: Int64 = 10
    private static let idleGraceSeconds: Int64 = 1
    /// Bytes for which a packet that is not whole is looked at.
    private static let leastRead = 64

    init(
        gate: Gate, log: Log, clock: Clock,
        judge: @escaping @Sendable (Receiver.Arrival, Gate.Turn, EventLoop) -> EventLoopFuture<Receiver.Answer>
    ) {
        self.gate = gate
        self.log = log
        self.clock = clock
        self.judge = judge
        reader = FrameReader(Frame.packetSizes.lowerBound...gate.limits.bytesPerPacket)
    }

    func channelActive(context: ChannelHandlerContext) {
        peer = Peer(context.remoteAddress)
        let entry = gate.enter(peer, context.channel, now: clock.milliseconds())
        for channel in entry.givingWay { channel.pipeline.fireUserInboundEventTriggered(GiveWay()) }
        isAdmitted = entry.isAdmitted
        guard isAdmitted else {
            log.stranger(peer, "refused: too many connections at once")
            return context.close(promise: nil)
        }
        schedule(context, gate.limits.secondsPerPacket)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAdmitted, case .reading = state else { return }
        do throws(PacketError) {
            // One packet per connection: what follows it is dropped.
            if let packet = try reader.take(unwrapInboundIn(data).readableBytesView) { return submit(packet, context) }
            gate.note(context.channel, heard: reader.count)
            // Not for all of them at once: one that sends slowly must be seen to send.
            if let missing = reader.missing {
                context.channel.waitForBytes(min(missing, ConnectionHandler.leastRead))
            }
        } catch {
            log.stranger(peer, "refused: \(error.message)")
            finish(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { return quiesce(context) }
        if event is GiveWay { return giveWay(context) }
        // The peer has sent all it will, but may still read: a packet that is being judged gets its receipt.
        if case ChannelEvent.inputClosed = event, case .judging = state { return }
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isAdmitted { gate.leave(context.channel) }
        if isAdmitted, case .reading = state, !gate.isClosing {
            log.stranger(peer, "closed the connection after \(reader.count) bytes, before its packet was whole")
        }
        isAdmitted = false
        state = .done
        timer?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: Error) {
        // A reset by the peer: channelInactive follows and says what is to be said.
        context.close(promise: nil)
    }

    private func submit(_ packet: [UInt8], _ context: ChannelHandlerContext) {
        gate.noteWhole(context.channel)
        guard let turn = gate.admitPacket(peer, now: clock.milliseconds()) else {
            log.stranger(peer, "refused: too many packets within a minute")
            return finish(context)
        }
        state = .judging
        let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
        judge(Receiver.Arrival(bytes: packet, peer: peer), turn, context.eventLoop).whenComplete { result in
            let (context, handler) = bound.value
            switch result {
            case .success(let answer): handler.conclude(context, answer)
            case .failure:
                handler.log.stranger(handler.peer, "refused: too many packets wait to be judged")
                handler.finish(context)
            }
        }
    }

    /// The packet was judged.
    private func conclude(_ context: ChannelHandlerContext, _ answer: Receiver.Answer) {
        // A recording makes nobody a source.
        if answer.isAccepted { gate.sources.note(peer.network) }
        guard case .judging = state else { return }
        if let receipt = answer.receipt {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: receipt)), promise: nil)
        }
        context.channel.end(byReset: false)
        finish(context)
    }

    /// Others have come, and this one says little.
    private func giveWay(_ context: ChannelHandlerContext) {
        guard case .reading = state else { return }
        log.stranger(peer, "closed after \(reader.count) bytes: its place was needed")
        finish(context)
    }

    /// The sink is about to end: a packet that is arriving may come to its end, one that is being judged gets its receipt.
    private func quiesce(_ context: ChannelHandlerContext) {
        guard case .reading = state else { return }
        schedule(context, ConnectionHandler.idleGraceSeconds)
    }

    private func schedule(_ context: ChannelHandlerContext, _ seconds: Int64) {
        timer?.cancel()
        let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: .seconds(seconds)) {
            bound.value.handler.expire(bound.value.context, after: seconds)
        }
    }

    private func expire(_ context: ChannelHandlerContext, after seconds: Int64) {
        if gate.isClosing, seconds == ConnectionHandler.idleGraceSeconds, case .reading = state, reader.count > 0 {
            return schedule(context, ConnectionHandler.graceSeconds - seconds)
        }
        switch state {
        case .reading where gate.isClosing: break
        case .judging where gate.isClosing:
            // It was accepted: the sink does not end before the receiver is done with it.
            return schedule(context, ConnectionHandler.graceSeconds)
        case .reading: log.stranger(peer, "closed: no whole packet in \(seconds) s")
        case .judging:
            log.stranger(peer, "closed without a receipt: its packet is still being judged after \(seconds) s")
        case .done: break
        }
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        state = .done
        context.close(promise: nil)
    }
}

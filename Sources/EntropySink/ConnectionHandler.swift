import EntropyPacket
import NIOCore
import Platform

/// One connection: gathers one frame, however its bytes arrive, hands it over, sends the receipt and closes. A deadline
/// ends whatever does not come to that; a sink that is about to end brings the deadline forward.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum State {
        case reading
        /// The packet is with the receiver; what else arrives is dropped.
        case judging
        case done
    }

    private let gate: Gate
    private let log: Log
    private let clock: Clock
    private let judge: @Sendable (Receiver.Arrival, EventLoop) -> EventLoopFuture<Receiver.Answer>
    private var state = State.reading
    private var reader: FrameReader
    private var timer: Scheduled<Void>?
    private var peer = Peer(nil)
    private var isAdmitted = false

    /// Seconds for a packet of which something has arrived when the sink is about to end, and for one of which nothing has:
    /// it may be on its way.
    static let graceSeconds: Int64 = 10
    private static let idleGraceSeconds: Int64 = 1

    init(
        gate: Gate, log: Log, clock: Clock,
        judge: @escaping @Sendable (Receiver.Arrival, EventLoop) -> EventLoopFuture<Receiver.Answer>
    ) {
        self.gate = gate
        self.log = log
        self.clock = clock
        self.judge = judge
        reader = FrameReader(Frame.packetSizes.lowerBound...gate.limits.bytesPerPacket)
    }

    func channelActive(context: ChannelHandlerContext) {
        peer = Peer(context.remoteAddress)
        switch gate.enter(peer, context.channel, now: clock.milliseconds()) {
        case nil: isAdmitted = true
        case .full:
            log.junk(.stranger, peer, "refused: too many connections at once")
            return context.close(promise: nil)
        case .junk:
            log.junk(
                .stranger, peer,
                "refused: \(Gate.junkLimit) of its packets within ten minutes were by nobody who is known")
            return context.close(promise: nil)
        }
        schedule(context, gate.limits.secondsPerPacket)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAdmitted, case .reading = state else { return }
        do throws(PacketError) {
            // One packet per connection: what follows it is dropped.
            if let packet = try reader.take(unwrapInboundIn(data).readableBytesView) { submit(packet, context) }
        } catch {
            log.junk(.stranger, peer, "refused: \(error.message)")
            finish(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent { return quiesce(context) }
        // The peer has sent all it will, but may still read: a packet that is being judged gets its receipt.
        if case ChannelEvent.inputClosed = event, case .judging = state { return }
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isAdmitted { gate.leave(peer, context.channel) }
        if isAdmitted, case .reading = state, !gate.isClosing {
            log.junk(.stranger, peer, "closed the connection after \(reader.count) bytes, before its packet was whole")
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
        guard gate.admitPacket(peer, now: clock.milliseconds()) else {
            log.junk(.stranger, peer, "refused: more than \(gate.limits.packetsPerMinute) packets within a minute")
            return finish(context)
        }
        state = .judging
        let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
        judge(Receiver.Arrival(bytes: packet, peer: peer), context.eventLoop).whenComplete { result in
            let (context, handler) = bound.value
            if case .success(let answer) = result {
                // A recording is neither.
                if answer.isAccepted { handler.gate.noteSource(handler.peer) }
                if answer.receipt == nil { handler.gate.noteJunk(handler.peer) }
            }
            if case .success(let answer) = result, let receipt = answer.receipt, case .judging = handler.state {
                context.writeAndFlush(handler.wrapOutboundOut(ByteBuffer(bytes: receipt)), promise: nil)
            }
            if case .failure = result {
                handler.log.junk(.stranger, handler.peer, "refused: too many packets wait to be judged")
            }
            handler.finish(context)
        }
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
        case .reading: log.junk(.stranger, peer, "closed: no whole packet in \(seconds) s")
        case .judging:
            log.junk(
                .stranger, peer, "closed without a receipt: its packet is still being judged after \(seconds) s")
        case .done: break
        }
        finish(context)
    }

    private func finish(_ context: ChannelHandlerContext) {
        state = .done
        context.close(promise: nil)
    }
}

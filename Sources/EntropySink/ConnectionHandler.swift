import EntropyPacket
import NIOCore
import Platform

/// One connection: gathers one frame, however its bytes arrive, hands it over, sends the receipt and closes. A deadline
/// ends whatever does not come to that.
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
    private let judge: @Sendable (_ packet: [UInt8], _ peer: Peer, EventLoop) -> EventLoopFuture<Receiver.Answer>
    private var state = State.reading
    private var reader: FrameReader
    private var timer: Scheduled<Void>?
    private var peer = Peer(nil)
    private var isAdmitted = false

    init(
        gate: Gate, log: Log, clock: Clock,
        judge: @escaping @Sendable ([UInt8], Peer, EventLoop) -> EventLoopFuture<Receiver.Answer>
    ) {
        self.gate = gate
        self.log = log
        self.clock = clock
        self.judge = judge
        reader = FrameReader(Frame.packetSizes)
    }

    func channelActive(context: ChannelHandlerContext) {
        peer = Peer(context.remoteAddress)
        isAdmitted = gate.enter(peer)
        guard isAdmitted else {
            log.junk(peer, "refused: too many connections at once")
            return context.close(promise: nil)
        }
        let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: .seconds(gate.limits.secondsPerPacket)) {
            bound.value.handler.expire(bound.value.context)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard isAdmitted, case .reading = state else { return }
        do throws(PacketError) {
            // One packet per connection: what follows it is dropped.
            if let packet = try reader.take(unwrapInboundIn(data).readableBytesView) { submit(packet, context) }
        } catch {
            log.junk(peer, "refused: \(error.message)")
            finish(context)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The peer has sent all it will, but may still read: a packet that is being judged gets its receipt.
        if case ChannelEvent.inputClosed = event, case .judging = state { return }
        if case ChannelEvent.inputClosed = event { context.close(promise: nil) }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if isAdmitted { gate.leave(peer) }
        if isAdmitted, case .reading = state, !gate.isClosing {
            log.junk(peer, "closed the connection after \(reader.count) bytes, before its packet was whole")
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
            log.junk(peer, "refused: more than \(gate.limits.packetsPerMinute) packets within a minute")
            return finish(context)
        }
        state = .judging
        let bound = NIOLoopBound((context: context, handler: self), eventLoop: context.eventLoop)
        judge(packet, peer, context.eventLoop).whenComplete { result in
            let (context, handler) = bound.value
            if case .success(let answer) = result, let receipt = answer.receipt, case .judging = handler.state {
                context.writeAndFlush(handler.wrapOutboundOut(ByteBuffer(bytes: receipt)), promise: nil)
            }
            handler.finish(context)
        }
    }

    private func expire(_ context: ChannelHandlerContext) {
        let seconds = gate.limits.secondsPerPacket
        switch state {
        case .reading: log.junk(peer, "closed: no whole packet in \(seconds) s")
        case .judging: log.junk(peer, "closed without a receipt: its packet is still being judged after \(seconds) s")
        case .done: break
        }
        state = .done
        context.close(promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext) {
        state = .done
        context.close(promise: nil)
    }
}

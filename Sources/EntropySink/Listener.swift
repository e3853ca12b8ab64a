import EntropyCrypto
import EntropyState
import NIOCore
import NIOPosix
import Platform

/// Accepts connections and feeds their packets to the receiver.
public final class Listener: Sendable {
    private let group: MultiThreadedEventLoopGroup
    /// They open packets, the worker judges them.
    private let openers: NIOThreadPool
    private let worker: NIOThreadPool
    private let channel: Channel
    private let gate: Gate
    private let pulse = Pulse()
    /// Held for life: two sinks on the same counters would take each other's for an operator's.
    private let hold: FileLock
    private let receiver: Confined<Receiver>
    private let ledger: Ledger
    private let reporter: Reporter
    private let configuration: SinkConfiguration
    private let log: Log

    /// Shows that the counter can be stored, opens the pool and starts to listen. `report` names the file for who asks what
    /// became of each signer's packets.
    public init(
        _ configuration: SinkConfiguration, key: BoxPrivateKey, pool path: String, report: String, clock: Clock,
        log: Log
    ) throws(SinkError) {
        do throws(StateError) {
            hold = try configuration.counterFile.hold()
            try configuration.counterFile.claim(configuration.signers)
        } catch {
            throw .counter(error)
        }
        let pool: EntropyDevice
        do throws(SystemError) { pool = try EntropyDevice(path) } catch { throw .pool(error) }
        gate = Gate(Listener.possible(configuration.limits, log), KnownSources(clock: clock))
        // The receiver is not Sendable; the one thread of `worker` is the only place that uses it.
        let receiver = Confined(Receiver(configuration, key: key, pool: pool, clock: clock, log: log))
        self.receiver = receiver
        ledger = receiver.value.ledger
        reporter = Reporter(report, ledger, gate.sources, clock: clock, log: log)
        reporter.recall()
        self.configuration = configuration
        self.log = log
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        // One thread: packets are judged in order, and only it touches the receiver.
        worker = NIOThreadPool(numberOfThreads: 1)
        worker.start()
        openers = NIOThreadPool(numberOfThreads: System.coreCount)
        openers.start()
        let opener = receiver.value.opener
        let inbox = Inbox(
            openers, System.coreCount, worker, open: { opener.open($0) }, judge: { receiver.value.judge($0) })
        do {
            channel = try Listener.bind(
                configuration.endpoint, group, Listener.handlers(inbox, gate, clock, log))
            channel.takeFirstSegments()
        } catch {
            // Nothing was given to them yet: there is nothing to report of their end.
            try? openers.syncShutdownGracefully()
            try? worker.syncShutdownGracefully()
            try? group.syncShutdownGracefully()
            throw .cannotListen(configuration.address, errno: (error as? IOError)?.errnoCode)
        }
        reporter.start()
    }

    /// Where it listens: the port that was given for port 0.
    public var address: String {
        channel.localAddress.map { "\($0.ipAddress ?? "?") port \($0.port ?? 0)" } ?? "nowhere"
    }

    /// False once the listening socket was closed by an error of the system: nothing more will come.
    public var isListening: Bool { channel.isActive }

    /// Goes on by another configuration: signers, keys, drift, credit and limits. Where it listens and keeps its counters
    /// cannot change while it runs. Packets that wait are judged by the new one.
    public func reload(_ other: SinkConfiguration, key: BoxPrivateKey) throws(SinkError) {
        guard other.address.utf8.elementsEqual(configuration.address.utf8) else { throw .needsRestart("Address") }
        guard other.counterFile.path.utf8.elementsEqual(configuration.counterFile.path.utf8) else {
            throw .needsRestart("State")
        }
        let receiver = receiver
        do {
            try worker.runIfActive(eventLoop: group.any()) { try receiver.value.configure(other, key: key) }.wait()
        } catch let error as StateError {
            throw .counter(error)
        } catch {
            throw .stopped
        }
        gate.limits = Listener.possible(other.limits, log)
    }

    /// False when its threads have not answered since they were last asked. To be called every few seconds.
    public func isWorking() -> Bool { pulse.check(group.any(), openers, worker) }

    /// Warns of signers whose packets are missed, and has the report written. To be called every few seconds.
    public func look() {
        for line in ledger.overdue() { log.line(line) }
        reporter.look()
    }

    /// Stops listening. Packets that are arriving or being judged come to their end, within ten seconds, and get their
    /// receipts; other connections are closed.
    public func stop() {
        gate.close()
        // An error here means that it is closed already.
        try? channel.close().wait()
        // What was accepted last is known to the gate once the loop has come round.
        try? group.any().submit {}.wait()
        let open = gate.channels
        for each in open { each.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
        try? EventLoopFuture.andAllComplete(open.map { $0.closeFuture }, on: group.any()).wait()
        try? openers.syncShutdownGracefully()
        try? worker.syncShutdownGracefully()
        try? group.syncShutdownGracefully()
        reporter.finish()
    }

    /// Connections take descriptors, and some are needed for the rest.
    private static func possible(_ limits: SinkLimits, _ log: Log) -> SinkLimits {
        let spare = 64
        let possible = Process.raiseDescriptorLimit(to: limits.connections + spare) - spare
        if possible < limits.connections {
            log.line(
                "only \(possible) of \(limits.connections) connections are possible: raise LimitNOFILE, or ulimit -n")
        }
        return limits.limited(to: possible)
    }

    private static func handlers(
        _ inbox: Inbox, _ gate: Gate, _ clock: Clock, _ log: Log
    ) -> @Sendable () -> ConnectionHandler {
        { ConnectionHandler(gate: gate, log: log, clock: clock) { inbox.submit($0, $1, $2) } }
    }

    private static func configure(_ channel: Channel) throws {
        guard let options = channel.syncOptions else { throw ChannelError.operationUnsupported }
        try options.setOption(.allowRemoteHalfClosure, value: true)
        // A sink writes once and closes: the receipt leaves together with the end of the stream, in one segment.
        try options.setOption(.tcpOption(.init(rawValue: Network.cork)), value: 1)
        try options.setOption(.maxMessagesPerRead, value: 4)
    }

    private static func bind(
        _ endpoint: Endpoint, _ group: MultiThreadedEventLoopGroup,
        _ makeHandler: @escaping @Sendable () -> ConnectionHandler
    ) throws -> Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)  // the kernel takes what it allows
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                // Connections have this from here. A packet that is judged ends its connection as usual.
                channel.end(byReset: true)
                // Without it a lack of descriptors would keep the loop busy.
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoffHandler())
                }
            }
            .childChannelInitializer { channel in
                // At once, and not as options of the bootstrap, each of which would cost a future for each connection.
                channel.eventLoop.makeCompletedFuture {
                    try configure(channel)
                    try channel.pipeline.syncOperations.addHandler(makeHandler())
                }
            }
        let port = Int(endpoint.port)
        guard endpoint.host.isEmpty else { return try bootstrap.bind(host: endpoint.host, port: port).wait() }
        do {
            // All addresses: IPv6's takes IPv4 connections as well, where the machine has IPv6.
            return try bootstrap.bind(host: "::", port: port).wait()
        } catch let error as IOError where error.isLackOfIPv6 {
            return try bootstrap.bind(host: "0.0.0.0", port: port).wait()
        }
    }
}

/// Carries a value to the one thread that uses it.
private struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

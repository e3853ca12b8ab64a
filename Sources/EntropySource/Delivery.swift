import CCurl
import EntropyState
import Platform

/// Serves targets side by side over libcurl's multi interface: names are resolved without blocking, each connection has its
/// own deadlines, and one that hangs holds up no other, not even beyond a scan: it goes on while the next ones begin.
final class Delivery {
    private let multi: UnsafeMutableRawPointer  // <CURLM>, owned
    private let clock: Clock
    private let proxy: Proxy
    private let arrivals: ArrivalNoise?
    private var window: LinkWindow
    private var fastOpen: FastOpen
    private(set) var segments = SmallSegments()
    /// Who comes next stands last, where it can be taken away without moving all the others.
    private var waiting: [Target] = []
    private var open: [Connection] = []
    private var busy: Set<Target.Identity> = []
    /// Those whose connection could not be begun.
    private var unbegun: [(Target, Outcome)] = []
    private let maximumConnections: Int

    /// Connections at once, those included that nobody answers.
    private static let maximumConnections = 256
    /// Descriptors for files, libcurl's own and the TPM.
    private static let spareDescriptors = 32
    /// Descriptors that a connection may take: three while its name is looked up.
    private static let descriptorsEach = 4
    /// Bytes for the stack of a thread that resolves a name: glibc's eight megabytes, for so many at once, are more than a
    /// 32-bit machine has addresses for.
    private static let resolverStack = 512 << 10
    /// Milliseconds between two looks at what tells nothing by itself: deadlines, and whether a packet was acknowledged.
    private static let tick: Int64 = 1000
    private static let quickTick: Int64 = 20
    /// Milliseconds between two looks at the others while packets are made: less than a TPM takes for one.
    private static let leastLook: Int64 = 3

    /// At most `parallel` deliveries use the link at once; fewer where it is slow. `arrivals` is told when something happens on
    /// a connection.
    init(
        clock: Clock, parallel: Int, proxy: Proxy, isFastOpenWanted: Bool, arrivals: ArrivalNoise?
    ) throws(SourceError) {
        Process.limitThreadStacks(to: Delivery.resolverStack)
        guard curl_global_init(0) == CURLE_OK, let multi = curl_multi_init() else {
            throw .libcurl("libcurl cannot be started")
        }
        self.multi = multi
        self.clock = clock
        self.proxy = proxy
        self.arrivals = arrivals
        window = LinkWindow(largest: parallel)
        fastOpen = FastOpen(isWanted: isFastOpenWanted)
        let possible = Process.raiseDescriptorLimit(
            to: Delivery.descriptorsEach * Delivery.maximumConnections + Delivery.spareDescriptors)
        maximumConnections = max(1, min(Delivery.maximumConnections, possible - Delivery.spareDescriptors))
    }

    deinit {
        for connection in open { curl_multi_remove_handle(multi, connection.handle) }
        open = []  // each frees its handle, before libcurl is done with
        curl_multi_cleanup(multi)
        curl_global_cleanup()
    }

    /// True while there is nothing to do.
    var isIdle: Bool { waiting.isEmpty && open.isEmpty }

    /// How many targets are not served yet.
    var count: Int { waiting.count + open.count }

    /// True for a target whose delivery has not ended.
    func isServing(_ target: Target) -> Bool { busy.contains(target.identity) }

    /// An earlier run found that this sink is reached in small segments.
    func useSmallSegments(for sink: Target.Identity) { segments.use(for: sink) }

    /// Serves these, in this order, beside those that are being served.
    func add(_ targets: [Target]) {
        waiting.insert(contentsOf: targets.reversed(), at: 0)
        for target in targets { busy.insert(target.identity) }
    }

    /// Moves everything on, until `wake` at the latest, and returns when a delivery ended or nothing is left to do.
    /// `prepare` makes packets for those who can take them, and can ask for so many of those who come next; `finish` is told
    /// what came of each. When `termination` is requested, whatever is not on its way is given up.
    func advance(
        until wake: Int64, _ termination: Termination,
        prepare: ([Target], (Int) -> [Target], (Int, Prepared) -> Void) -> Void, finish: ([(Target, Outcome)]) -> Void
    ) {
        while true {
            connect()
            perform()
            start(prepare)
            let now = clock.milliseconds()
            for connection in open { connection.proceed(&window, now: now) }
            var ended = unbegun
            unbegun = []
            if termination.check() { ended += callOff(now) }
            let isEnding = termination.isRequested
            ended += takeEnded(isEnding: isEnding)
            if !ended.isEmpty { finish(ended) }
            if !ended.isEmpty || isIdle && (now >= wake || termination.isRequested) { return }
            let left = wake - clock.milliseconds()
            guard left > 0 else { return }
            wait(min(left, isIdle ? left : pause), termination)
            if isIdle, termination.isRequested { return }
        }
    }

    /// Begins as many connections as there is room for.
    private func connect() {
        let now = clock.milliseconds()
        var taken = open.count { $0.takesPlace(window, now: now) }
        while taken < window.connections, !waiting.isEmpty {
            guard open.count < maximumConnections || makeRoom(now) else { break }
            let target = waiting.removeLast()
            let isFast = fastOpen.allows(target.identity)
            guard
                let connection = Connection(
                    target, through: proxy, fastOpen: isFast, segment: segments.size(for: target.identity),
                    mayShrink: segments.mayHelp(target.identity), now: now),
                curl_multi_add_handle(multi, connection.handle) == CURLM_OK
            else {
                unbegun.append((target, .failed("libcurl has no memory for a connection", .failed)))
                busy.remove(target.identity)
                continue
            }
            open.append(connection)
            taken += 1
        }
    }

    /// Gives up the one that has been trying to connect for the longest, or whose name has been looked up for the longest, if
    /// that is long enough. It is taken out with the others that ended.
    private func makeRoom(_ now: Int64) -> Bool {
        var oldest: (connection: Connection, since: Int64)?
        for connection in open {
            guard let since = connection.connectingSince else { continue }
            let least = connection.isLookingUp ? Connection.leastLookupTime : Connection.leastConnectTime
            if now - since >= least, since < oldest?.since ?? .max { oldest = (connection, since) }
        }
        guard let oldest else { return false }
        oldest.connection.giveUp(now: now)
        return true
    }

    /// Lets libcurl connect.
    private func perform() {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)  // its errors come with each transfer's message
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = curl_message_handle(message) else { continue }
            let result = curl_message_result(message)
            open.first { $0.handle == handle }?.connected(result, &window, now: clock.milliseconds())
        }
    }

    /// Has packets made for as many of those that are connected as the link has room for. Each is sent as soon as it is
    /// made; what comes from others, and the connections of those that are next, go on while a TPM signs.
    private func start(_ prepare: ([Target], (Int) -> [Target], (Int, Prepared) -> Void) -> Void) {
        let ready = open.filter { $0.isReady }
        guard !ready.isEmpty else { return }
        let now = clock.milliseconds()
        let room = window.size - open.count { $0.isSending(window, now: now) }
        guard room > 0 else { return }
        let next = ready.prefix(room)
        var looked = now
        let others = ready.dropFirst(room)
        prepare(next.map { $0.target }, { count in upcoming(count, others) }) { place, prepared in
            let now = clock.milliseconds()
            next[place].start(prepared, now: now)
            // A TPM takes its time, which is not the link's.
            guard now - looked >= Delivery.leastLook else { return }
            looked = now
            for connection in open where !connection.isReady { connection.proceed(&window, now: now) }
            connect()
            perform()
        }
    }

    /// Those who are likely to be the next ones: the others that are connected, who is being connected, and who waits.
    private func upcoming(_ count: Int, _ ready: ArraySlice<Connection>) -> [Target] {
        let begun = (ready + open.filter { $0.isConnecting }).prefix(count).map { $0.target }
        return begun + waiting.suffix(count - begun.count).reversed()
    }

    /// The program ends.
    private func callOff(_ now: Int64) -> [(Target, Outcome)] {
        for connection in open { connection.hurry(now: now) }
        defer { waiting = [] }
        for target in waiting { busy.remove(target.identity) }
        return waiting.reversed().map { ($0, .unprepared("interrupted", .failed)) }
    }

    private func takeEnded(isEnding: Bool) -> [(Target, Outcome)] {
        var ended: [(Target, Outcome)] = []
        open.removeAll { connection in
            guard let outcome = connection.outcome else { return false }
            curl_multi_remove_handle(multi, connection.handle)  // fails only for a handle that is not in it
            if connection.hasOpenedInVain { fastOpen.failed(connection.target.identity) }
            guard !connection.waitedInVain else {
                waiting.append(connection.target)
                return true
            }
            if case .failed(let reason, _) = outcome, connection.isBlocked, !isEnding, shrink(connection.target) {
                ended.append((connection.target, .retried("\(reason); trying small segments")))
                return true
            }
            switch outcome {
            case .receipt, .silent: segments.worked(connection.target.identity)
            default: break
            }
            busy.remove(connection.target.identity)
            ended.append((connection.target, outcome))
            return true
        }
        return ended
    }

    /// Has a target tried again at once in small segments, where that may help; it is not ended, then.
    private func shrink(_ target: Target) -> Bool {
        guard segments.mayHelp(target.identity) else {
            segments.failed(target.identity)
            return false
        }
        segments.use(for: target.identity)
        waiting.append(target)
        return true
    }

    /// Milliseconds until there may be something to do that no descriptor tells of: others wait for a packet to be
    /// acknowledged, or for a connection to be slow.
    private var pause: Int64 {
        let now = clock.milliseconds()
        if (open.contains { $0.isReady } || !waiting.isEmpty), open.contains(where: { $0.isSending(window, now: now) })
        {
            return Delivery.quickTick
        }
        guard !waiting.isEmpty else { return Delivery.tick }
        let young = open.reduce(Delivery.tick) { least, connection in
            let patience = connection.patience(window)
            guard let since = connection.connectingSince, since + patience > now else { return least }
            return min(least, since + patience - now)
        }
        return max(1, young)
    }

    private func wait(_ milliseconds: Int64, _ termination: Termination) {
        var descriptors = open.compactMap { $0.interest }
        // Once it is readable it stays so, and there is no more to learn from it.
        if !termination.isRequested {
            descriptors.append(curl_waitfd(fd: termination.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0))
        }
        // A failure is only a short wait.
        var events: Int32 = 0
        curl_multi_poll(multi, &descriptors, UInt32(descriptors.count), Int32(clamping: milliseconds), &events)
        if events > 0 { arrivals?.note() }
        _ = termination.check()
    }
}

import CCurl
import EntropyState
import Platform

/// Serves several targets at once over libcurl's multi interface: names are resolved without blocking, each connection has
/// its own deadlines, and one that hangs holds up no other.
final class Delivery {
    private let multi: UnsafeMutableRawPointer  // <CURLM>, owned
    private let clock: Clock

    /// Connections at once: the TPM signs one packet after the other, and no sink shall wait long for its own.
    private static let maximumConnections = 64
    /// Milliseconds between two looks at the deadlines.
    private static let tick: Int32 = 1000

    init(clock: Clock) throws(SourceError) {
        guard curl_global_init(0) == CURLE_OK, let multi = curl_multi_init() else {
            throw .libcurl("libcurl cannot be started")
        }
        self.multi = multi
        self.clock = clock
    }

    deinit {
        curl_multi_cleanup(multi)
        curl_global_cleanup()
    }

    /// Serves `targets`; `finish` is called once for each, as soon as its outcome is known. Ends early, and calls off what
    /// is under way, when `termination` is requested.
    func serve(
        _ targets: [Target], until termination: Termination, prepare: (Target) -> Prepared,
        finish: (Target, Outcome) -> Void
    ) {
        var waiting = targets[...]
        var open: [Connection] = []
        while !(waiting.isEmpty && open.isEmpty) {
            while open.count < Delivery.maximumConnections, !termination.isRequested, let target = waiting.popFirst() {
                guard let connection = start(target) else {
                    finish(target, .failed("libcurl has no memory for a connection", .failed))
                    continue
                }
                open.append(connection)
            }
            advance(open, termination, prepare)
            if termination.check() {
                for connection in open { connection.hurry(now: clock.milliseconds()) }
                for target in waiting { finish(target, .unprepared("interrupted", .failed)) }
                waiting = []
            }
            open.removeAll { connection in
                guard let outcome = connection.outcome else { return false }
                curl_multi_remove_handle(multi, connection.handle)  // fails only for a handle that is not in it
                finish(connection.target, outcome)
                return true
            }
            if !open.isEmpty { wait(for: open, termination) }
        }
    }

    private func start(_ target: Target) -> Connection? {
        guard let connection = Connection(target, now: clock.milliseconds()) else { return nil }
        if connection.outcome == nil, curl_multi_add_handle(multi, connection.handle) != CURLM_OK { return nil }
        return connection
    }

    /// Lets libcurl connect, hands out what is connected, and moves the rest on. Each packet is sent as soon as it is made:
    /// the sinks behind it may take long.
    private func advance(_ open: [Connection], _ termination: Termination, _ prepare: (Target) -> Prepared) {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)  // its errors come with each transfer's message
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let handle = curl_message_handle(message) else { continue }
            let result = curl_message_result(message)
            guard let connection = open.first(where: { $0.handle == handle }) else { continue }
            if termination.check() { continue }
            connection.connected(result, clock: clock, prepare: prepare)
            connection.proceed(now: clock.milliseconds())
        }
        for connection in open { connection.proceed(now: clock.milliseconds()) }
    }

    private func wait(for open: [Connection], _ termination: Termination) {
        var descriptors = open.compactMap { $0.interest }
        // Once it is readable it stays so, and there is no more to learn from it.
        if !termination.isRequested {
            descriptors.append(curl_waitfd(fd: termination.descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0))
        }
        // A failure is only a short wait.
        curl_multi_poll(multi, &descriptors, UInt32(descriptors.count), Delivery.tick, nil)
    }
}

import CCurl
import EntropyCrypto
import EntropyPacket
import EntropyState
import Platform

/// One TCP connection to one target: connects, sends one frame, reads one receipt. Times are milliseconds of the monotonic
/// clock.
final class Connection {
    private enum State {
        case connecting
        /// Connected; its packet is made when there is a place for it on the link.
        case ready
        case sending(Outgoing, offset: Int)
        case awaitingReceipt(Outgoing)
        case ended(Outcome)
    }

    let target: Target
    let handle: UnsafeMutableRawPointer  // <CURL>, owned
    private var state = State.connecting
    private var socket: curl_socket_t = -1
    private let isFastOpen: Bool
    /// Bytes of a segment at the most; nil for the kernel's choice.
    private let segment: Int32?
    /// Where it may be tried again in small segments, it is given up early for that.
    private let mayShrink: Bool
    /// True once there is a socket: the name is resolved.
    private var hasSocket = false
    private var isResolving = true
    private var proxyAnswer = ProxyAnswer()
    private var reader = FrameReader(Frame.receiptSizes)
    /// The first bytes of what was answered.
    private var answer: [UInt8] = []
    /// How often in a row the kernel had to send the same part of the packet again, when it was last looked at.
    private var repetitions = 0
    private var deadline: Int64
    /// When the present state began: to connect, to be ready, to send.
    private var since: Int64
    private var isAcknowledged = false
    /// True while nothing was heard of the sink although libcurl calls it connected: the first segment waits for the packet, or
    /// has left with it (FastOpen).
    private var isOpening = false
    /// True when the packet left in the first segment, and did not arrive by that as far as is known.
    private(set) var hasOpenedInVain = false
    /// True when the sink tired of waiting for a packet that was not made yet, because the link was busy with others: it is
    /// not to blame, and is connected to again.
    private(set) var waitedInVain = false

    /// Milliseconds for a connection to be made, and from then on for its turn to come, and for the packet with its receipt.
    /// A link of 100 bytes/s carries a packet in 15 seconds, behind another one in 30, and with an attempt lost in 60; a
    /// sink gives up after 60 itself. They may be long: nobody waits for one who hangs.
    static let connectLimit: Int64 = 60_000
    static let answerLimit: Int64 = 75_000
    /// Milliseconds for what is under way when the program is asked to end.
    static let hurryLimit: Int64 = 3_000
    /// Milliseconds after which one that is not made yet may be given up for others, where there are as many as there can be.
    static let leastConnectTime: Int64 = 5_000
    /// The same for one whose name is still looked up.
    static let leastLookupTime: Int64 = 1_000
    /// Milliseconds for its turn to come on a link that is slow: a sink counts its own seconds from the beginning, and what is
    /// left of them has to do for the packet. Then it is made anew when there is a place for it.
    private static let slowWait: Int64 = 15_000
    /// Milliseconds after which a sink that closes is one that tired of waiting; one that closes sooner has a reason.
    private static let leastWait: Int64 = 5_000
    /// Milliseconds after which TCP repeats a first segment that was not answered, without the packet. A way that is so
    /// slow, or loses such segments, is better served by a handshake.
    private static let repetition: Int64 = 1_000
    /// Milliseconds, and repetitions in a row, after which a packet that nobody acknowledges is tried in small segments: longer
    /// than a slow link takes for one.
    private static let blockedLimit: Int64 = 20_000
    private static let blockedRepetitions = 3
    /// Bytes that the kernel takes from a peer that sends on and on: a receipt has some 70, the answer of a proxy a few hundred.
    private static let receiveBuffer: Int32 = 16 << 10

    /// In segments of `segment` bytes, or the kernel's choice; `mayShrink` where that may be tried next. Nil when libcurl has no
    /// memory left.
    init?(
        _ target: Target, through proxy: Proxy, fastOpen: Bool, segment: Int32? = nil, mayShrink: Bool = false,
        now: Int64
    ) {
        guard let handle = curl_easy_init() else { return nil }
        self.target = target
        self.handle = handle
        // A proxy is spoken to before there is a packet.
        isFastOpen = fastOpen && proxy.url == nil
        self.segment = segment
        self.mayShrink = mayShrink
        since = now
        deadline = now + Connection.connectLimit
        // libcurl copies the strings. The proxy is told to it in any case, so that its own rules for the environment, which
        // are those for HTTP, have no say.
        let data = Unmanaged.passUnretained(self).toOpaque()  // borrowed: the handle dies with this connection
        var results = [
            curl_set_string(handle, CURLOPT_URL, "http://\(target.endpoint.text)/"),
            curl_set_string(handle, CURLOPT_PROXY, proxy.url ?? ""),
            curl_set_string(handle, CURLOPT_NOPROXY, proxy.exceptions ?? ""),
            curl_set_pointer(handle, CURLOPT_SOCKOPTDATA, data),
            curl_set_preparation(handle) { data, socket, _ in
                if let data { Unmanaged<Connection>.fromOpaque(data).takeUnretainedValue().prepare(socket) }
                return CURL_SOCKOPT_OK
            },
            curl_set_pointer(handle, CURLOPT_HEADERDATA, data),
            curl_set_header_reader(handle) { bytes, size, count, data in
                guard let bytes, let data else { return 0 }
                let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
                return Unmanaged<Connection>.fromOpaque(data).takeUnretainedValue().takesFromProxy(line)
                    ? line.count : 0
            },
        ]
        for (option, value) in [
            (CURLOPT_CONNECT_ONLY, 1), (CURLOPT_NOSIGNAL, 1), (CURLOPT_FRESH_CONNECT, 1),
            // What is sent is no HTTP: a proxy for HTTP is asked for a tunnel.
            (CURLOPT_HTTPPROXYTUNNEL, 1),
            // Do not wait for a name server that does not answer.
            (CURLOPT_QUICK_EXIT, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Int(Connection.connectLimit)),
            // An address is asked for once in hours, and libcurl goes through all that it keeps each time.
            (CURLOPT_DNS_CACHE_TIMEOUT, 0),
        ] {
            results.append(curl_set_long(handle, option, value))
        }
        if results.contains(where: { $0 != CURLE_OK }) {
            state = .ended(.failed("libcurl refused its options", .failed))
        }
    }

    deinit { curl_easy_cleanup(handle) }

    /// Makes a socket ready before it is connected. libcurl has an option of its own for Fast Open, which does the same; the
    /// others it does not have.
    private func prepare(_ socket: curl_socket_t) {
        hasSocket = true
        if isFastOpen { Network.openFast(socket) }
        if let segment { Network.limitSegments(socket, to: segment) }
        Network.limitReceiving(socket, to: Connection.receiveBuffer)
        // The handshake's last segment is the packet's, when that is made within 200 ms.
        Network.delayAcknowledgement(socket)
    }

    private func takesFromProxy(_ line: UnsafeRawBufferPointer) -> Bool { proxyAnswer.take(line) }

    var outcome: Outcome? {
        if case .ended(let outcome) = state { outcome } else { nil }
    }

    var isReady: Bool {
        if case .ready = state { true } else { false }
    }

    /// True while it has no packet and cannot take one yet.
    var isConnecting: Bool {
        if case .connecting = state { true } else { false }
    }

    /// True while the sink's name, or the proxy's, is looked up.
    var isLookingUp: Bool { isConnecting && isResolving }

    /// True where the packet was sent, and the sink's machine acknowledged none or only a part of it, however often the kernel
    /// repeated it: on the way there may be somebody who drops long segments.
    var isBlocked: Bool { !isAcknowledged && !isOpening && repetitions >= Connection.blockedRepetitions }

    /// When it began to look up the name, or to connect, while it is not connected.
    var connectingSince: Int64? {
        switch state {
        case .connecting: since
        case .sending, .awaitingReceipt: isOpening ? since : nil
        case .ready, .ended: nil
        }
    }

    /// True while its packet is on the link, and not known to have arrived.
    func isSending(_ window: LinkWindow, now: Int64) -> Bool {
        switch state {
        case .sending, .awaitingReceipt: !isAcknowledged && window.isHeld(sentAt: since, now: now)
        case .connecting, .ready, .ended: false
        }
    }

    /// True while no other connection is to be begun in its place.
    func takesPlace(_ window: LinkWindow, now: Int64) -> Bool {
        switch state {
        case .connecting: now - since < patience(window)
        case .ready: true
        case .sending, .awaitingReceipt, .ended: isSending(window, now: now)
        }
    }

    /// Milliseconds for which it takes a place, while it is not connected.
    func patience(_ window: LinkWindow) -> Int64 { isLookingUp ? window.lookupPatience : window.patience }

    /// What to wait for on the socket; nil while libcurl itself connects.
    var interest: curl_waitfd? {
        switch state {
        case .connecting, .ended: nil
        case .sending: curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLOUT), revents: 0)
        case .awaitingReceipt where isOpening:
            curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLIN | CURL_WAIT_POLLOUT), revents: 0)
        case .ready, .awaitingReceipt: curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        }
    }

    /// libcurl is done with connecting.
    func connected(_ result: CURLcode, _ window: inout LinkWindow, now: Int64) {
        guard case .connecting = state else { return }
        noticeSocket(now)
        guard result == CURLE_OK, curl_get_socket(handle, &socket) == CURLE_OK, socket != -1 else {
            return end(.failed("cannot connect: \(describe(result))", .unavailable))
        }
        isOpening = Network.stage(socket) == .connecting
        if !isOpening { window.connected(after: now - since) }
        state = .ready
        since = now
        deadline = now + Connection.answerLimit
    }

    /// The name is resolved: from now on it connects.
    private func noticeSocket(_ now: Int64) {
        guard hasSocket, isResolving else { return }
        isResolving = false
        since = now
    }

    /// Its packet is made, now that there is someone to take it: sends it, whole, in one call.
    func start(_ prepared: Prepared, now: Int64) {
        switch prepared {
        case .packet(let outgoing):
            since = now
            deadline = now + (isOpening ? Connection.connectLimit : Connection.answerLimit)
            hasOpenedInVain = isOpening
            // That of the receipt, too, which comes with the connection's end.
            Network.delayAcknowledgement(socket)
            send(outgoing, from: 0)
        case .withdrawn: end(.withdrawn)
        case .failed(let message, let code): end(.unprepared(message, code))
        }
    }

    /// Sends and receives as much as the socket takes and gives now, and tells the window when the packet has arrived.
    func proceed(_ window: inout LinkWindow, now: Int64) {
        switch state {
        case .ended: break
        case .connecting: noticeSocket(now)
        case .ready:
            if window.isSlow, now - since >= Connection.slowWait { deadline = now }
            notice(now)
        case .sending(let outgoing, let offset):
            noticeOpening(now)
            send(outgoing, from: offset)
        case .awaitingReceipt(let outgoing):
            noticeOpening(now)
            noticeAcknowledgement(&window, now)
            receive(outgoing)
            // On a slow link packets wait behind each other for longer: there the deadline decides.
            if mayShrink, outcome == nil, isBlocked, !window.isSlow, now - since >= Connection.blockedLimit {
                end(.failed(Connection.unacknowledged, .unavailable))
            }
        }
        guard outcome == nil, now >= deadline else { return }
        if isReady { waitedInVain = true }
        let reason =
            isLookingUp
            ? "cannot look the name up in time"
            : connectingSince != nil
                ? "cannot connect in time" : isBlocked ? Connection.unacknowledged : "no answer in time"
        end(.failed(reason, .unavailable))
    }

    private static let unacknowledged = "the packet was sent, and nobody acknowledged it"

    private func noticeAcknowledgement(_ window: inout LinkWindow, _ now: Int64) {
        guard !isAcknowledged, !isOpening else { return }
        guard Network.unacknowledgedBytes(socket) == 0 else {
            repetitions = Network.repetitions(socket)
            return
        }
        // A reset leaves nothing to be acknowledged, too.
        guard Network.stage(socket) != .other else { return }
        isAcknowledged = true
        window.acknowledged(sentAt: since, now: now)
    }

    /// The sink's machine has answered a first segment that had the packet in it, and acknowledged the packet at once or not.
    private func noticeOpening(_ now: Int64) {
        guard isOpening else { return }
        switch Network.stage(socket) {
        case .connecting, .other: return
        case .open, .ended: break
        }
        isOpening = false
        hasOpenedInVain = !Network.tookFirstSegment(socket) || now - since >= Connection.repetition
        deadline = now + Connection.answerLimit
        Network.delayAcknowledgement(socket)
    }

    /// Gives the connection up that is not made yet, for others that wait.
    func giveUp(now: Int64) {
        let what = isLookingUp ? "look the name up" : "connect"
        end(.failed("cannot \(what) within \((now - since) / 1000) s, and others wait", .unavailable))
    }

    /// The program ends: a packet that is on its way gets a few seconds more for its receipt, the rest is given up.
    func hurry(now: Int64) {
        switch state {
        case .connecting, .ready: end(.failed("interrupted", .failed))
        case .sending, .awaitingReceipt: deadline = min(deadline, now + Connection.hurryLimit)
        case .ended: break
        }
    }

    private func send(_ outgoing: Outgoing, from start: Int) {
        var offset = start
        while offset < outgoing.frame.count {
            var sent = 0
            let result = outgoing.frame.withUnsafeBytes {
                curl_easy_send(handle, $0.baseAddress! + offset, $0.count - offset, &sent)
            }
            if result == CURLE_AGAIN {
                state = .sending(outgoing, offset: offset)
                return
            }
            guard result == CURLE_OK else {
                return end(.failed("cannot send: \(describe(result))", .unavailable))
            }
            offset += sent
        }
        state = .awaitingReceipt(outgoing)
    }

    private func receive(_ outgoing: Outgoing) {
        var block = [UInt8](repeating: 0, count: 256)
        while true {
            var count = 0
            let result = curl_easy_recv(handle, &block, block.count, &count)
            if result == CURLE_AGAIN { return }
            guard result == CURLE_OK else {
                return end(.failed(interruption(result), .unavailable))
            }
            if count == 0 { return end(endOfStream(outgoing)) }
            answer += block[..<count].prefix(Stranger.length - min(answer.count, Stranger.length))
            if let outcome = takeReceipt(block[..<count], outgoing) { return end(outcome) }
        }
    }

    /// Why there is no receipt where the connection broke: by a reset, as a sink ends what it came to no verdict on, or on the way.
    private func interruption(_ result: CURLcode) -> String {
        if isOpening { return "cannot connect: \(describe(result))" }
        return isBlocked ? "\(Connection.unacknowledged): \(describe(result))" : "no receipt: \(describe(result))"
    }

    /// A sink says nothing before it has a packet: what can be read is the end, or by something else.
    private func notice(_ now: Int64) {
        var block = [UInt8](repeating: 0, count: Stranger.length)
        var count = 0
        let result = curl_easy_recv(handle, &block, block.count, &count)
        guard result != CURLE_AGAIN else { return }
        guard result != CURLE_OK || count == 0 else { return end(.foreign(Stranger.describe(Array(block[..<count])))) }
        waitedInVain = now - since >= Connection.leastWait
        end(.failed("the sink closed the connection before its packet was made", .unavailable))
    }

    /// The peer closed: after it took the packet, as the original's sink does, or without having looked at it. A first byte of
    /// zero may be the beginning of a receipt.
    private func endOfStream(_ outgoing: Outgoing) -> Outcome {
        guard answer.isEmpty else {
            return answer[0] == 0
                ? .failed("the receipt was cut off", .unavailable) : .foreign(Stranger.describe(answer))
        }
        guard Network.unacknowledgedBytes(socket) == 0 else {
            return .failed("the sink closed the connection before it took the packet", .unavailable)
        }
        return .silent(outgoing)
    }

    private func takeReceipt(_ bytes: ArraySlice<UInt8>, _ outgoing: Outgoing) -> Outcome? {
        do throws(PacketError) {
            guard let sealed = try reader.take(bytes) else { return nil }
            guard let receipt = Receipt(opening: sealed, with: outgoing.sharedKey) else {
                return .foreign(Stranger.describe(answer))
            }
            return .receipt(receipt, outgoing)
        } catch {
            return .foreign(Stranger.describe(answer))
        }
    }

    private func end(_ outcome: Outcome) {
        if socket != -1 { Network.endByReset(socket) }
        state = .ended(outcome)
    }

    /// libcurl's words, with the system's or the proxy's where there are some.
    private func describe(_ result: CURLcode) -> String {
        if proxyAnswer.isTooLong { return "the proxy's answer has more than \(ProxyAnswer.longest) bytes" }
        var answer = 0
        if curl_get_long(handle, CURLINFO_HTTP_CONNECTCODE, &answer) == CURLE_OK, answer != 0, answer != 200 {
            return "the proxy answers \(answer)"
        }
        var errno = 0
        let known = curl_get_long(handle, CURLINFO_OS_ERRNO, &errno)
        if known == CURLE_OK, errno != 0,
            result == CURLE_COULDNT_CONNECT || result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR
        {
            return Platform.describe(errno: Int32(clamping: errno))
        }
        return curl_easy_strerror(result).map { String(cString: $0) } ?? "unknown error"
    }
}

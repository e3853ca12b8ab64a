import CCurl
import EntropyCrypto
import EntropyPacket
import EntropyState
import Platform

/// A sealed packet on its way, and the key that opens the receipt for it.
struct Outgoing {
    let counter: Int64
    let frame: [UInt8]
    let sharedKey: BoxSharedKey

    /// Bytes of the sealed packet, without the frame's length.
    var size: Int { frame.count - Frame.headerSize }
}

/// How a delivery ended.
enum Outcome {
    /// The sink answered.
    case receipt(Receipt, Outgoing)
    /// The sink took the packet and closed the connection without a receipt, as the original does.
    case unconfirmed(Outgoing)
    /// The entry left the list meanwhile: nothing was sent.
    case withdrawn
    /// Nothing was sent, or it is not known what became of it: the sink, or the way to it.
    case failed(String, ExitCode)
    /// No packet could be made, for a reason on this side.
    case unprepared(String, ExitCode)
}

/// One TCP connection to one target: connects, sends one frame, reads one receipt.
final class Connection {
    enum State {
        case connecting
        case sending(Outgoing, offset: Int)
        case awaitingReceipt(Outgoing)
        case ended(Outcome)
    }

    let target: Target
    let handle: UnsafeMutableRawPointer  // <CURL>, owned
    private(set) var state = State.connecting
    private var socket: curl_socket_t = -1
    private var reader = FrameReader(Frame.receiptSizes)
    private var deadline: Int64

    /// Milliseconds for the connection to be made, and from then on for the packet and its receipt: together less than
    /// from one scan to the next, which a sink that hangs must not delay.
    static let connectLimit = 20_000
    static let answerLimit: Int64 = 20_000
    /// Milliseconds for what is under way when the program is asked to end.
    static let hurryLimit: Int64 = 3_000

    /// Nil when libcurl has no memory left.
    init?(_ target: Target, now: Int64) {
        guard let handle = curl_easy_init() else { return nil }
        self.target = target
        self.handle = handle
        deadline = now + Int64(Connection.connectLimit) + Connection.answerLimit
        // libcurl copies the strings. Its environment variables for proxies have no say here: CURLOPT_PROXY is empty.
        var results = [
            curl_set_string(handle, CURLOPT_URL, "http://\(target.endpoint.text)/"),
            curl_set_string(handle, CURLOPT_PROXY, ""),
        ]
        for (option, value) in [
            (CURLOPT_CONNECT_ONLY, 1), (CURLOPT_NOSIGNAL, 1), (CURLOPT_FRESH_CONNECT, 1),
            // Do not wait for a name server that does not answer.
            (CURLOPT_QUICK_EXIT, 1),
            (CURLOPT_CONNECTTIMEOUT_MS, Connection.connectLimit),
        ] {
            results.append(curl_set_long(handle, option, value))
        }
        guard results.allSatisfy({ $0 == CURLE_OK }) else {
            state = .ended(.failed("libcurl refused its options", .failed))
            return
        }
    }

    deinit { curl_easy_cleanup(handle) }

    var outcome: Outcome? {
        if case .ended(let outcome) = state { outcome } else { nil }
    }

    /// What to wait for on the socket; nil while libcurl itself connects.
    var interest: curl_waitfd? {
        switch state {
        case .connecting, .ended: nil
        case .sending: curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLOUT), revents: 0)
        case .awaitingReceipt: curl_waitfd(fd: socket, events: Int16(CURL_WAIT_POLLIN), revents: 0)
        }
    }

    /// libcurl is done with connecting. `prepare` makes the packet only now that there is someone to take it.
    func connected(_ result: CURLcode, clock: Clock, prepare: (Target) -> Prepared) {
        guard case .connecting = state else { return }
        guard result == CURLE_OK, curl_get_socket(handle, &socket) == CURLE_OK, socket != -1 else {
            return end(.failed("cannot connect: \(Connection.describe(result, handle))", .unavailable))
        }
        switch prepare(target) {
        case .packet(let outgoing):
            state = .sending(outgoing, offset: 0)
            deadline = clock.milliseconds() + Connection.answerLimit
        case .withdrawn: end(.withdrawn)
        case .failed(let message, let code): end(.unprepared(message, code))
        }
    }

    /// Sends and receives as much as the socket takes and gives now.
    func proceed(now: Int64) {
        if case .sending(let outgoing, let offset) = state { send(outgoing, from: offset) }
        if case .awaitingReceipt(let outgoing) = state { receive(outgoing) }
        if outcome == nil, now >= deadline { end(.failed("no answer in time", .unavailable)) }
    }

    /// The program ends: a packet that is on its way gets a few seconds more for its receipt, the rest is given up.
    func hurry(now: Int64) {
        if case .connecting = state { return end(.failed("interrupted", .failed)) }
        deadline = min(deadline, now + Connection.hurryLimit)
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
                return end(.failed("cannot send: \(Connection.describe(result, handle))", .unavailable))
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
                return end(.failed("no receipt: \(Connection.describe(result, handle))", .unavailable))
            }
            if count == 0 { return end(endOfStream(outgoing)) }
            if let outcome = takeReceipt(block[..<count], outgoing) { return end(outcome) }
        }
    }

    /// The sink closed: after it took the packet, as the original does, or without having looked at it.
    private func endOfStream(_ outgoing: Outgoing) -> Outcome {
        guard reader.count == 0 else { return .failed("the receipt was cut off", .unavailable) }
        guard Network.unacknowledgedBytes(socket) == 0 else {
            return .failed("the sink closed the connection before it took the packet", .unavailable)
        }
        return .unconfirmed(outgoing)
    }

    private func takeReceipt(_ bytes: ArraySlice<UInt8>, _ outgoing: Outgoing) -> Outcome? {
        do throws(PacketError) {
            guard let sealed = try reader.take(bytes) else { return nil }
            guard let receipt = Receipt(opening: sealed, with: outgoing.sharedKey) else {
                return .failed("the answer is no receipt by this sink", .failed)
            }
            return .receipt(receipt, outgoing)
        } catch {
            return .failed("the answer is no receipt", .failed)
        }
    }

    private func end(_ outcome: Outcome) { state = .ended(outcome) }

    /// libcurl's words, with the system's where it has some.
    private static func describe(_ result: CURLcode, _ handle: UnsafeMutableRawPointer) -> String {
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

/// What became of the wish for a packet.
enum Prepared {
    case packet(Outgoing)
    case withdrawn
    case failed(String, ExitCode)
}

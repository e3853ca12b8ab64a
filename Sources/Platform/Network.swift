import CPlatform

/// What sockets tell beside their data.
public enum Network {
    /// True for the text of an IPv4 address, four decimal numbers.
    public static func isIPv4(_ text: String) -> Bool {
        var address = in_addr()
        return inet_pton(AF_INET, text, &address) == 1
    }

    /// True for the text of an IPv6 address, without brackets and zone.
    public static func isIPv6(_ text: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET6, text, &address) == 1
    }

    /// The option of TCP by which a socket sends only full segments, and the rest together with its end (tcp(7), TCP_CORK).
    public static let cork = TCP_CORK

    /// The option of TCP by which a listening socket takes data in a connection's first segment (RFC 7413).
    public static let fastOpen = TCP_FASTOPEN

    /// The option of a socket by which it is not readable before so many bytes have come, or its peer has ended (socket(7),
    /// SO_RCVLOWAT).
    public static let leastReadable = SO_RCVLOWAT

    /// The value of SO_LINGER by which a socket ends with a reset when it is closed, also by the end of its process; or as usual.
    public static func ending(byReset isReset: Bool) -> linger { linger(l_onoff: isReset ? 1 : 0, l_linger: 0) }

    /// Bytes that were sent and that the peer's machine has not acknowledged; 0 also where the kernel does not say, and
    /// before the connection is made.
    public static func unacknowledgedBytes(_ socket: Int32) -> Int32 { platform_unacknowledged(socket) }

    /// How far a TCP connection has come.
    public enum Stage: Sendable {
        /// Not made yet; or not begun either, since its first segment waits for data.
        case connecting
        case open
        /// The peer has ended its side.
        case ended
        /// Both sides have, or it was reset, or the kernel does not say.
        case other
    }

    public static func stage(_ socket: Int32) -> Stage {
        guard let (info, _) = information(socket) else { return .other }
        return switch Int(info.tcpi_state) {
        case Int(TCP_SYN_SENT): .connecting
        case Int(TCP_ESTABLISHED): .open
        case Int(TCP_CLOSE_WAIT): .ended
        default: .other
        }
    }

    /// True for a socket whose first segment had data in it, which the peer's machine acknowledged with the connection itself.
    /// To be asked as soon as the connection is made: a kernel that does not say is judged by what is not acknowledged then.
    public static func tookFirstSegment(_ socket: Int32) -> Bool {
        guard let (info, size) = information(socket), size > 5 else { return unacknowledgedBytes(socket) == 0 }
        return Int32(info.tcpi_options) & TCPI_OPT_SYN_DATA != 0
    }

    /// What the kernel says of a connection, and how many bytes of that: an emulator may say its beginning only.
    private static func information(_ socket: Int32) -> (tcp_info, Int)? {
        var info = tcp_info()
        var size = socklen_t(MemoryLayout<tcp_info>.size)
        guard getsockopt(socket, SOL_TCP, TCP_INFO, &info, &size) == 0 else { return nil }
        return (info, Int(size))
    }

    /// How often in a row the kernel has repeated what the peer's machine does not acknowledge; 0 where it does not say.
    public static func repetitions(_ socket: Int32) -> Int {
        guard let (info, size) = information(socket), size > 2 else { return 0 }
        return Int(info.tcpi_retransmits)
    }

    /// Has a socket that is about to connect send, and be sent, no segment with more than `size` bytes of data and options.
    public static func limitSegments(_ socket: Int32, to size: Int32) { set(socket, SOL_TCP, TCP_MAXSEG, to: size) }

    /// Has the kernel take no more than about `size` bytes from the peer before somebody reads them.
    public static func limitReceiving(_ socket: Int32, to size: Int32) { set(socket, SOL_SOCKET, SO_RCVBUF, to: size) }

    // Each of these only saves frames: where the kernel refuses, all goes on as it does without.

    /// Has a socket that is about to connect wait for its first data, and send both in one segment, where the kernel holds a
    /// cookie of the peer's; where it does not, ask for one (RFC 7413).
    public static func openFast(_ socket: Int32) { set(socket, SOL_TCP, TCP_FASTOPEN_CONNECT, to: Int32(1)) }

    /// Has what is acknowledged next wait for data to go with it, 40 to 200 ms. TCP may change its mind: to be said again.
    public static func delayAcknowledgement(_ socket: Int32) { set(socket, SOL_TCP, TCP_QUICKACK, to: Int32(0)) }

    /// Has the socket end by a reset when it is closed, if the peer has ended its side and acknowledged all of this one's:
    /// nobody has anything left to say, and a reset is not answered.
    public static func endByReset(_ socket: Int32) {
        guard stage(socket) == .ended, unacknowledgedBytes(socket) == 0 else { return }
        set(socket, SOL_SOCKET, SO_LINGER, to: ending(byReset: true))
    }

    private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, to value: some BitwiseCopyable) {
        _ = withUnsafeBytes(of: value) { setsockopt(socket, level, option, $0.baseAddress, socklen_t($0.count)) }
    }
}

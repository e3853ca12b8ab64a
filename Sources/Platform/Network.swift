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

    /// Bytes that were sent and that the peer's machine has not acknowledged; 0 also where the kernel does not say.
    public static func unacknowledgedBytes(_ socket: Int32) -> Int32 { platform_unacknowledged(socket) }
}

import NIOCore

/// Who is at the other end: as the log names it, and as the limits count it.
struct Peer: Sendable {
    /// The whole address.
    let text: String
    /// What one party can be expected to have: an IPv4 address, or an IPv6 /64.
    let network: String

    init(_ address: SocketAddress?) {
        let whole = address?.ipAddress ?? "unknown peer"
        guard case .v6(let v6) = address else {
            (text, network) = (whole, whole)
            return
        }
        let bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff {
            // ::ffff:a.b.c.d is an IPv4 peer of a socket for both.
            let dotted = bytes.suffix(4).map { String($0) }.joined(separator: ".")
            (text, network) = (dotted, dotted)
        } else {
            (text, network) = (whole, bytes.prefix(8).map { String($0, radix: 16) }.joined(separator: ":"))
        }
    }
}

import NIOCore

/// Who is at the other end: as the log names it, and as the limits count it.
struct Peer: Sendable {
    /// The whole address.
    let text: String
    /// What one party can be expected to have: an IPv4 address, or an IPv6 /64.
    let network: String

    init(_ address: SocketAddress?) {
        text = address?.ipAddress ?? "unknown peer"
        guard case .v6(let v6) = address else {
            network = text
            return
        }
        let bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
        // ::ffff:a.b.c.d is an IPv4 peer of a socket for both.
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        network = (isMapped ? bytes.suffix(4) : bytes.prefix(8)).map { String($0, radix: 16) }.joined(separator: ":")
    }
}

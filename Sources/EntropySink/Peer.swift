import NIOCore

/// Who is at the other end: as the log names it, and as the limits count it.
struct Peer: Sendable {
    /// The whole address.
    let text: String
    /// What one party can be expected to have: an IPv4 address, or an IPv6 /64.
    let network: AddressPrefix
    /// What one party may have as well: the IPv6 /56 and /48 around it. None for IPv4.
    let surroundings: [AddressPrefix]

    init(_ address: SocketAddress?) {
        let whole = address?.ipAddress ?? "unknown peer"
        switch address {
        case .v4(let v4):
            (text, surroundings) = (whole, [])
            network = AddressPrefix(ipv4: UInt32(bigEndian: v4.address.sin_addr.s_addr))
        case .v6(let v6):
            let bytes = withUnsafeBytes(of: v6.address.sin6_addr) { Array($0) }
            let (high, low) = (Peer.number(bytes[..<8]), Peer.number(bytes[8...]))
            if high == 0, low >> 32 == 0xffff {
                // ::ffff:a.b.c.d is an IPv4 peer of a socket for both.
                network = AddressPrefix(ipv4: UInt32(truncatingIfNeeded: low))
                (text, surroundings) = (network.text, [])
            } else if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 {
                // 64:ff9b::a.b.c.d is an IPv4 peer behind a translator (RFC 6052), and all of them are one /64.
                (text, surroundings) = (whole, [])
                network = AddressPrefix(ipv4: UInt32(truncatingIfNeeded: low))
            } else {
                text = whole
                network = AddressPrefix(ipv6: high, length: 64)
                surroundings = [AddressPrefix(ipv6: high, length: 56), AddressPrefix(ipv6: high, length: 48)]
            }
        default: (text, network, surroundings) = (whole, AddressPrefix(ipv4: 0), [])
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}

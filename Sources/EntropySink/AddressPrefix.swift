/// A network as the limits count it: one IPv4 address, or the first 48, 56 or 64 bits of an IPv6 address.
struct AddressPrefix: Hashable, Sendable {
    private let bits: UInt64
    /// Of an IPv6 prefix; 0 for IPv4.
    private let length: UInt8

    init(ipv4: UInt32) { (bits, length) = (UInt64(ipv4), 0) }

    /// From the first 64 bits of an address.
    init(ipv6 high: UInt64, length: UInt8) {
        bits = high & (UInt64.max << (64 - UInt64(length)))
        self.length = length
    }

    /// "192.0.2.7", or "2001:db8:0:1::/64".
    var text: String {
        guard length > 0 else {
            return [24, 16, 8, 0].map { String(bits >> $0 & 0xff) }.joined(separator: ".")
        }
        let groups = [48, 32, 16, 0].map { String(bits >> $0 & 0xffff, radix: 16) }.joined(separator: ":")
        return "\(groups)::/\(length)"
    }

    /// Takes what `text` gives, for an IPv4 address or an IPv6 /64.
    init?(_ text: String) {
        let numbers = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        if numbers.count == 4 {
            self.init(ipv4: numbers.reduce(0) { $0 << 8 | UInt32($1) })
        } else {
            guard text.hasSuffix("::/64") else { return nil }
            let groups = text.dropLast(5).split(separator: ":").compactMap { UInt16($0, radix: 16) }
            guard groups.count == 4 else { return nil }
            self.init(ipv6: groups.reduce(0) { $0 << 16 | UInt64($1) }, length: 64)
        }
        guard self.text == text else { return nil }
    }
}

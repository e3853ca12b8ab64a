import Platform

/// A host and a TCP port, taken from `host:port` or `[IPv6]:port`.
public struct Endpoint: Sendable, Equatable {
    /// What the address is for: only a listener may leave the host out (all addresses) or take port 0 (any free port).
    public enum Use: Sendable { case connecting, listening }

    /// What was expected instead.
    public struct Expectation: Error, Sendable { public let text: String }

    /// A name or address without brackets; empty for all addresses of a listener.
    public let host: String
    public let port: UInt16
    /// An IPv6 address: to be written in brackets.
    public let isIPv6: Bool

    /// As it is written in an address or a URL.
    public var text: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// The address without `tcp://`, which says what is meant anyway.
    public static func plain(_ text: String) -> String {
        let scheme = Array("tcp://".utf8)
        let bytes = Array(text.utf8)
        guard bytes.count > scheme.count, scheme.indices.allSatisfy({ lowercase(bytes[$0]) == scheme[$0] }) else {
            return text
        }
        let isEnded = bytes.last == UInt8(ascii: "/")
        return String(decoding: bytes[scheme.count..<(bytes.count - (isEnded ? 1 : 0))], as: UTF8.self)
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 0x20 : byte
    }

    /// Takes `tcp://host:port` too.
    public static func parse(_ text: String, for use: Use) -> Result<Endpoint, Expectation> {
        let bytes = Array(plain(text).utf8)
        for place in bytes.indices.dropLast(2) where bytes[place..<(place + 3)].elementsEqual("://".utf8) {
            let scheme = String(decoding: bytes[..<(place + 3)], as: UTF8.self)
            return .failure(Expectation(text: "host:port, without \(scheme): sinks are reached by TCP alone"))
        }
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else {
            return .failure(Expectation(text: "host:port, but it has no port"))
        }
        guard let port = decimal(bytes[(colon + 1)...]), let port = UInt16(exactly: port), port > 0 || use == .listening
        else { return .failure(Expectation(text: "a port from 1 to 65535 after the last colon")) }
        var host = bytes[..<colon]
        if host.isEmpty {
            guard use == .listening else { return .failure(Expectation(text: "host:port, but it has no host")) }
            return .success(Endpoint(host: "", port: port, isIPv6: false))
        }
        let isIPv6 = host.first == UInt8(ascii: "[")
        if isIPv6 {
            guard host.count > 2, host.last == UInt8(ascii: "]") else {
                return .failure(Expectation(text: "[IPv6 address]:port"))
            }
            host = host.dropFirst().dropLast()
            guard Network.isIPv6(String(decoding: host, as: UTF8.self)) else {
                return .failure(Expectation(text: "an IPv6 address without zone inside the brackets"))
            }
        } else {
            guard !host.contains(UInt8(ascii: ":")) else {
                return .failure(Expectation(text: "an IPv6 address in brackets, as in [::1]:4141"))
            }
            guard isName(host) else {
                return .failure(Expectation(text: "a host name of letters, digits, dots and hyphens"))
            }
        }
        return .success(Endpoint(host: String(decoding: host, as: UTF8.self), port: port, isIPv6: isIPv6))
    }

    /// One to five digits, and nothing else: no sign, no space.
    private static func decimal(_ digits: ArraySlice<UInt8>) -> Int32? {
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return digits.reduce(Int32(0)) { $0 * 10 + Int32($1 - 0x30) }
    }

    /// Labels with dots between them, and perhaps one at the end; numbers alone are an IPv4 address.
    private static func isName(_ host: ArraySlice<UInt8>) -> Bool {
        let dot = UInt8(ascii: ".")
        let labels = (host.last == dot ? host.dropLast() : host).split(separator: dot, omittingEmptySubsequences: false)
        guard host.count <= 253, labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isNameByte) && $0.first != 0x2d })
        else {
            return false
        }
        let isNumeric = labels.last?.allSatisfy { (0x30...0x39).contains($0) } ?? false
        return !isNumeric || Network.isIPv4(String(decoding: host, as: UTF8.self))
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

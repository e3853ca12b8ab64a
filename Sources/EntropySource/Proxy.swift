import Platform

/// The proxy that connections are made through, as libcurl takes it.
public struct Proxy: Sendable {
    /// `socks5h://host:port`, `http://user:password@host:port` and so on; nil for none.
    let url: String?
    /// Hosts that are reached without it, with commas between them; nil for none.
    let exceptions: String?

    public static let none = Proxy(url: nil, exceptions: nil)

    init(url: String?, exceptions: String?) {
        self.url = url
        self.exceptions = exceptions
    }

    /// The first of the usual variables that is set: `all_proxy` is for whatever is no HTTP; `https_proxy` and
    /// `http_proxy` name one that is asked for a tunnel (CONNECT). Capitals count where the small letters are not set.
    public static func fromEnvironment(_ environment: (String) -> String? = Process.environment) -> Proxy {
        func find(_ names: [String]) -> String? {
            for name in names { if let value = environment(name) { return value } }
            return nil
        }
        let url = find(["all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY", "http_proxy"])
        return Proxy(url: url, exceptions: find(["no_proxy", "NO_PROXY"]))
    }

    /// For messages: the proxy without what might be a password; nil where there is none.
    public var name: String? {
        guard let url else { return nil }
        let bytes = Array(url.utf8)
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return url }
        // What stands before the credentials is the scheme.
        var start = 0
        for place in bytes.indices.dropLast(2) where bytes[place..<(place + 3)].elementsEqual("://".utf8) {
            start = place + 3
            break
        }
        guard start <= at else { return url }
        return String(decoding: bytes[..<start] + bytes[(at + 1)...], as: UTF8.self)
    }
}

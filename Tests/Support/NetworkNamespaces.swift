import Foundation

/// Two network namespaces with an Ethernet link between them, and nothing on it but what programs send: no IPv6, no ARP.
/// Only root can make them. Gone with this value; programs in them have to end before.
public final class NetworkNamespaces: Sendable {
    /// One end of the link.
    public enum Side: String, Sendable, CaseIterable {
        case source, sink

        public var address: String { self == .source ? "10.9.8.1" : "10.9.9.1" }
        var ethernet: String { self == .source ? "02:00:00:00:00:01" : "02:00:00:00:00:02" }
        var other: Side { self == .source ? .sink : .source }
        fileprivate var network: String { self == .source ? "10.9.8.0/24" : "10.9.9.0/24" }
    }

    /// Where frames wait when they are more than the link carries.
    public enum Queue: String, Sendable, CaseIterable {
        /// In the sender's kernel, which sees that they have not left yet.
        case own
        /// In a modem between the two, of which the sender sees nothing.
        case modem
    }

    private let name: String
    private let queue: Queue
    private static let modemEthernet = "02:00:00:00:00:03"
    private static let counter = Counter()

    /// True for root with iproute2's programs, where the kernel does what they say, or must.
    public static let arePossible =
        geteuid() == 0 && haveTools("ip", "tc") && (isCI || (try? NetworkNamespaces().slow("4kbit")) != nil)
    /// The same of nftables.
    public static let canLose =
        arePossible && haveTools("nft") && (isCI || (try? NetworkNamespaces().lose(percent: 1)) != nil)

    public init(_ queue: Queue = .own) throws {
        self.queue = queue
        name = "es\(getpid())-\(NetworkNamespaces.counter.next())"
        do {
            for namespace in namespaces {
                try ip("netns", "add", namespace)
                try run(in: namespace, "sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6")
            }
            switch queue {
            case .own:
                try link((end(.source), "link0", Side.source.ethernet), (end(.sink), "link0", Side.sink.ethernet))
            case .modem:
                for side in Side.allCases {
                    try link(
                        (end(side), "link0", side.ethernet), (modem, side.rawValue, NetworkNamespaces.modemEthernet))
                    try route(in: modem, to: side, by: side.rawValue, at: side.ethernet)
                }
                try run(in: modem, "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
            }
            for side in Side.allCases {
                try run(in: end(side), "ip", "address", "add", "\(side.address)/24", "dev", "link0")
                let next = queue == .modem ? NetworkNamespaces.modemEthernet : side.other.ethernet
                try route(in: end(side), to: side.other, by: "link0", at: next)
            }
        } catch {
            remove()
            throw error
        }
    }

    deinit { remove() }

    private func remove() { for namespace in namespaces { _ = try? ip("netns", "delete", namespace) } }

    /// Either way carries so many bits a second from now on, and one frame at once after a rest. What waits may be a minute's
    /// worth at 4 kbit/s.
    public func slow(_ rate: String) throws {
        for side in Side.allCases {
            let (namespace, device) = queue == .own ? (end(side), "link0") : (modem, side.rawValue)
            try run(
                in: namespace, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", rate, "burst", "1600",
                "limit", "30000")
        }
    }

    /// Sends a large datagram either way, so that nothing is left of what the link carries at once after a rest.
    public func tire() throws {
        for side in Side.allCases {
            try run(
                in: end(side), "sh", "-c",
                "head -c 1472 /dev/zero | socat -u - UDP-SENDTO:\(side.other.address):9")
        }
    }

    /// So many of a hundred frames are lost on arrival, at both ends, by nftables.
    public func lose(percent: Int) throws {
        for side in Side.allCases {
            try run(
                in: end(side), "nft",
                "add table ip loss; add chain ip loss arriving { type filter hook prerouting priority -500; }; "
                    + "add rule ip loss arriving iif link0 numgen random mod 100 < \(percent) counter drop")
        }
    }

    /// Sets one of the kernel's parameters for the network at one end: `net.` names are those of sysctl(8), without it.
    public func set(_ parameter: String, to value: some CustomStringConvertible, at side: Side) throws {
        let path = "/proc/sys/net/" + parameter.replacingOccurrences(of: ".", with: "/")
        try run(in: end(side), "sh", "-c", "echo \(value) >\(path)")
    }

    /// Either way drops what is longer than `bytes`, and tells nobody, as tunnels and hotspots do.
    public func dropLong(above bytes: Int) throws {
        for side in Side.allCases {
            // The kernel would hand several segments over as one.
            try run(in: end(side), "ip", "link", "set", "link0", "gso_max_segs", "1")
            try run(
                in: end(side), "nft",
                "add table ip long; add chain ip long arriving { type filter hook prerouting priority -500; }; "
                    + "add rule ip long arriving iif link0 ip length > \(bytes) counter drop")
        }
    }

    /// The sink's end drops each first segment of a connection that has data in it, as some firewalls do.
    public func dropOpeningData() throws {
        try run(
            in: end(.sink), "nft",
            "add table ip opening; add chain ip opening arriving { type filter hook prerouting priority -500; }; "
                + "add rule ip opening arriving tcp flags & (syn | ack) == syn ip length > 200 counter drop")
    }

    /// Frames that `lose` dropped so far, in both directions.
    public func lostFrames() throws -> Int {
        try Side.allCases.reduce(0) { sum, side in
            let words = try run(in: end(side), "nft", "list ruleset").text.split(separator: " ")
            let place = words.firstIndex(of: "packets").map { $0 + 1 }
            return sum + (place.flatMap { Int(words[$0]) } ?? 0)
        }
    }

    /// A command as it is run at one end.
    public func inside(_ side: Side, _ command: [String]) -> [String] { inside(end(side), command) }

    private func inside(_ namespace: String, _ command: [String]) -> [String] {
        ["ip", "netns", "exec", namespace] + command
    }

    private func end(_ side: Side) -> String { "\(name)-\(side.rawValue)" }
    private var modem: String { "\(name)-modem" }
    private var namespaces: [String] { Side.allCases.map { end($0) } + (queue == .modem ? [modem] : []) }

    private typealias End = (namespace: String, device: String, ethernet: String)

    private func link(_ one: End, _ other: End) throws {
        try ip(
            "link", "add", one.device, "address", one.ethernet, "netns", one.namespace, "type", "veth", "peer", "name",
            other.device, "address", other.ethernet, "netns", other.namespace)
        for end in [one, other] {
            try run(in: end.namespace, "ip", "link", "set", "lo", "up")
            try run(in: end.namespace, "ip", "link", "set", end.device, "up")
        }
    }

    /// Everything for `side` goes to this Ethernet address; nobody has to ask for it.
    private func route(in namespace: String, to side: Side, by device: String, at ethernet: String) throws {
        try run(in: namespace, "ip", "route", "add", side.network, "dev", device)
        try run(
            in: namespace, "ip", "neighbour", "replace", side.address, "lladdr", ethernet, "nud", "permanent", "dev",
            device)
    }

    @discardableResult
    private func run(in namespace: String, _ command: String...) throws -> Finished {
        try succeed(inside(namespace, command))
    }

    private func ip(_ arguments: String...) throws { try succeed(["ip"] + arguments) }

    @discardableResult
    private func succeed(_ command: [String]) throws -> Finished {
        let finished = try Support.run(command)
        guard finished.status == 0 else { throw SetupFailed(text: "\(command): \(finished.errors)") }
        return finished
    }
}

/// Numbers that are given out once in this process.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var last = 0
    func next() -> Int {
        lock.withLock {
            last += 1
            return last
        }
    }
}

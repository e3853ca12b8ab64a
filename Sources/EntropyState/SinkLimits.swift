import EntropyPacket

/// What peers may take of a sink before any of them has shown that it is a source. Each has a default that suits a small
/// server with hundreds of sources.
public struct SinkLimits: Sendable, Equatable {
    /// Open connections in all, and of one address (an IPv6 /64). Beyond them new ones are closed at once.
    public let connections: Int
    public let connectionsPerAddress: Int
    /// Bytes of one packet, sealed: more than that of one connection is neither read nor kept before its signature is
    /// verified.
    public let bytesPerPacket: Int
    /// Seconds from a connection's beginning to its packet's end, and to the receipt's.
    public let secondsPerPacket: Int64
    /// Whole packets of one address that are looked at within a minute, good ones or not.
    public let packetsPerMinute: Int

    public static let standard = SinkLimits(
        connections: 4096, connectionsPerAddress: 32, bytesPerPacket: Frame.packetSizes.upperBound,
        secondsPerPacket: 60,
        packetsPerMinute: 600)

    public init(
        connections: Int, connectionsPerAddress: Int, bytesPerPacket: Int = Frame.packetSizes.upperBound,
        secondsPerPacket: Int64, packetsPerMinute: Int
    ) {
        self.connections = connections
        self.connectionsPerAddress = connectionsPerAddress
        self.bytesPerPacket = bytesPerPacket
        self.secondsPerPacket = secondsPerPacket
        self.packetsPerMinute = packetsPerMinute
    }

    static let members: [StaticString] = [
        "Connections", "ConnectionsPerAddress", "BytesPerPacket", "SecondsPerPacket", "PacketsPerMinute",
    ]

    /// `Limits` of a configuration, an object; the standard for whatever is missing.
    init(_ configuration: FieldReader) throws(StateError) {
        guard let limits = configuration.object["Limits"] else {
            self = .standard
            return
        }
        guard limits.kind == .object else { throw configuration.wrong("Limits", "an object") }
        let reader = FieldReader(file: configuration.file, prefix: "Limits, ", object: limits)
        func number(
            _ field: StaticString, _ standard: Int, from least: Int32 = 1, _ most: Int32
        ) throws(StateError) -> Int {
            guard let value = try reader.integer(field) else { return standard }
            guard let small = Int32(exactly: value), (least...most).contains(small) else {
                throw reader.wrong(field, "a whole number from \(least) to \(most)")
            }
            return Int(small)
        }
        connections = try number("Connections", SinkLimits.standard.connections, 1_000_000)
        connectionsPerAddress = try number(
            "ConnectionsPerAddress", SinkLimits.standard.connectionsPerAddress, 1_000_000)
        // No packet is shorter than one that is signed on P-256.
        bytesPerPacket = try number(
            "BytesPerPacket", SinkLimits.standard.bytesPerPacket, from: 1213, Int32(UInt16.max))
        secondsPerPacket = Int64(
            try number("SecondsPerPacket", Int(SinkLimits.standard.secondsPerPacket), 3600))
        packetsPerMinute = try number("PacketsPerMinute", SinkLimits.standard.packetsPerMinute, 1_000_000)
    }

    /// For messages.
    public var text: String {
        "\(connections) connections, \(connectionsPerAddress) of one address; \(packetsPerMinute) packets a minute of one "
            + "address; \(secondsPerPacket) s and \(bytesPerPacket) bytes for a packet"
    }

    /// The same with room for no more connections than this.
    public func limited(to most: Int) -> SinkLimits {
        SinkLimits(
            connections: min(connections, max(1, most)), connectionsPerAddress: connectionsPerAddress,
            bytesPerPacket: bytesPerPacket, secondsPerPacket: secondsPerPacket, packetsPerMinute: packetsPerMinute)
    }
}

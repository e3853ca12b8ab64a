import DER
import EntropyCrypto

/// The first 16 bytes of SHA-256 of a sink's public key: binds a signed packet to the one sink it was made for.
public struct Recipient: Sendable, Equatable {
    public static let size = 16
    public let bytes: [UInt8]

    public init(_ sink: BoxPublicKey) { bytes = Array(SHA256.hash(sink.bytes).prefix(Recipient.size)) }

    /// What a packet names; nil unless it has 16 bytes.
    init?(_ bytes: ArraySlice<UInt8>) {
        guard bytes.count == Recipient.size else { return nil }
        self.bytes = Array(bytes)
    }
}

/// A chunk of entropy with the time and count that make it fresh.
///
///     SEQUENCE { timestamp INTEGER, counter INTEGER, chunk OCTET STRING (SIZE(1024)),
///                recipient [0] IMPLICIT OCTET STRING (SIZE(16)) OPTIONAL, ... }
public struct Packet: Sendable, Equatable {
    /// Bytes of a chunk, always.
    public static let chunkSize = 1024

    /// Unix time in seconds.
    public var timestamp: Int64
    public var counter: Int64
    public var chunk: [UInt8]
    /// The sink it was made for; the original knows no such element and writes none.
    public var recipient: Recipient?

    /// Refuses a chunk that has not 1024 bytes.
    public init(timestamp: Int64, counter: Int64, chunk: [UInt8], recipient: Recipient?) throws(PacketError) {
        guard chunk.count == Packet.chunkSize else { throw .chunkLength }
        self.timestamp = timestamp
        self.counter = counter
        self.chunk = chunk
        self.recipient = recipient
    }

    /// The message that is signed: 1036 to 1070 bytes of DER.
    public func encode() -> [UInt8] {
        var writer = DERWriter(reservingCapacity: 1080)
        writer.writeConstructed { sequence in
            sequence.writeInteger(timestamp)
            sequence.writeInteger(counter)
            sequence.write(DERTag.octetString, chunk)
            if let recipient { sequence.write(DERTag.primitive(0), recipient.bytes) }
        }
        return writer.bytes
    }

    /// Reads a message whose signature was verified. Elements after the known ones are passed over, so that later
    /// versions may add some; anything after the SEQUENCE is refused.
    public init(decoding message: [UInt8]) throws(PacketError) {
        do throws(DERError) {
            var outer = DERReader(message)
            var sequence = try outer.readConstructed()
            try outer.finish()
            timestamp = try sequence.readInteger()
            counter = try sequence.readInteger()
            chunk = Array(try sequence.read(DERTag.octetString))
            recipient = nil
            // Constructed [0] is no recipient in DER, and must not pass for a packet that names none.
            if sequence.nextTag == DERTag.constructed(0) { throw .unexpectedTag }
            if sequence.nextTag == DERTag.primitive(0) {
                recipient = Recipient(try sequence.read(DERTag.primitive(0)))
                guard recipient != nil else { throw .badValue }
            }
            while !sequence.isAtEnd { try sequence.skip() }
        } catch {
            throw .malformedPacket
        }
        guard chunk.count == Packet.chunkSize else { throw .chunkLength }
    }
}

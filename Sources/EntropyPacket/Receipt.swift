import DER
import EntropyCrypto

/// A sink's answer to a packet whose signature it verified; sealed with the packet's own two keys. The original
/// neither sends nor minds it.
///
///     SEQUENCE { status ENUMERATED, counter INTEGER, time INTEGER }
public struct Receipt: Sendable, Equatable {
    public enum Status: Int64, Sendable {
        case mixed = 0
        case counterRegressed = 1
        case timestampOutsideDrift = 2
        case wrongRecipient = 3
        /// The counter was stored, the chunk could not be mixed; it never will be.
        case notMixed = 4
    }

    public let status: Status
    /// The counter that the sink has stored.
    public let counter: Int64
    /// The sink's clock, Unix time in seconds.
    public let time: Int64

    public init(status: Status, counter: Int64, time: Int64) {
        self.status = status
        self.counter = counter
        self.time = time
    }

    /// The frame: length (2) || nonce (24) || box.
    public func seal(with key: BoxSharedKey) -> [UInt8] { Frame.encode(key.seal(encode())) }

    package func encode() -> [UInt8] {
        var writer = DERWriter()
        writer.writeConstructed { sequence in
            sequence.writeInteger(status.rawValue, DERTag.enumerated)
            sequence.writeInteger(counter)
            sequence.writeInteger(time)
        }
        return writer.bytes
    }

    /// Opens what the frame held. Nil for anything but a receipt by the sink that this packet was sealed to.
    public init?(opening bytes: [UInt8], with key: BoxSharedKey) {
        guard let plain = try? key.open(bytes[...]) else { return nil }
        self.init(decoding: plain)
    }

    /// Reads what the box held. Nil for anything but one receipt in DER.
    package init?(decoding bytes: [UInt8]) {
        do throws(DERError) {
            var outer = DERReader(bytes)
            var sequence = try outer.readConstructed()
            try outer.finish()
            guard let status = Status(rawValue: try sequence.readInteger(DERTag.enumerated)) else { return nil }
            self.status = status
            counter = try sequence.readInteger()
            time = try sequence.readInteger()
            try sequence.finish()
        } catch {
            return nil
        }
    }
}

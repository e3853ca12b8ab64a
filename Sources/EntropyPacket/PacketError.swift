/// Why a packet is refused: one code for each reason (docs/packet.md).
public enum PacketError: Error, Sendable, Equatable {
    /// A frame whose length no packet can have.
    case frameLength(Int)
    /// Fewer bytes than an empty box has.
    case boxTooShort
    /// The box was not made for this sink, or was changed on the way.
    case boxInvalid
    /// What the box holds is not one message with one signature in DER.
    case malformedEnvelope
    /// The signature is empty.
    case unsigned
    /// The signature is none of the configured signers' over this message.
    case signatureInvalid
    /// The signed message is not one packet in DER.
    case malformedPacket
    /// The chunk has not 1024 bytes.
    case chunkLength
    /// The packet names another sink: someone passed it on.
    case wrongRecipient
    /// The packet names no sink, and the configuration requires one.
    case recipientMissing
    /// The packet's time is this many seconds after (before, when negative) the sink's, more than its drift allows.
    case timestampOutsideDrift(seconds: Int64)
    /// The packet's counter is not above the stored one.
    case counterRegressed(stored: Int64)
    /// The packet's counter is further above the stored one than the sink allows.
    case counterTooFarAhead(stored: Int64)
    /// The sink does not know the signer's counter, and the packet was made so many seconds before the sink began to take its
    /// packets: it may be a recording.
    case madeBeforeStart(seconds: Int64)

    /// One line for a log.
    public var message: String {
        switch self {
        case .frameLength(let length): "no packet has \(length) bytes"
        case .boxTooShort: "the box is too short"
        case .boxInvalid: "the box does not open with this sink's key"
        case .malformedEnvelope: "the box holds no signed message"
        case .unsigned: "the packet is not signed"
        case .signatureInvalid: "the signature is not by a configured signer"
        case .malformedPacket: "the signed message is no packet"
        case .chunkLength: "the chunk has not \(Packet.chunkSize) bytes"
        case .wrongRecipient: "the packet names another sink as its recipient"
        case .recipientMissing: "the packet names no recipient, which RequireRecipient demands"
        case .timestampOutsideDrift(let seconds):
            "its clock is \(seconds.magnitude) s \(seconds < 0 ? "behind" : "ahead of") this one, more than Drift allows"
        case .counterRegressed(let stored): "its counter is not above the stored \(stored)"
        case .counterTooFarAhead(let stored):
            "its counter is further above the stored \(stored) than CounterJump allows; if it is right, raise Counter or "
                + "CounterJump in the configuration"
        case .madeBeforeStart(let seconds):
            "it was made \(seconds) s before the sink began to take this signer's packets, and no counter of it is known: it "
                + "may be a recording"
        }
    }
}

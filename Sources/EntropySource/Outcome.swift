import EntropyCrypto
import EntropyPacket
import Platform

/// A sealed packet on its way, and the key that opens the receipt for it.
struct Outgoing {
    let counter: Int64
    let frame: [UInt8]
    let sharedKey: BoxSharedKey

    /// Bytes of the sealed packet, without the frame's length.
    var size: Int { frame.count - Frame.headerSize }
}

/// How a delivery ended.
enum Outcome {
    /// The sink answered.
    case receipt(Receipt, Outgoing)
    /// The sink took the packet and closed the connection without a receipt, as the original does.
    case unconfirmed(Outgoing)
    /// The entry left the list meanwhile: nothing was sent.
    case withdrawn
    /// Nothing was sent, or it is not known what became of it: the sink, or the way to it.
    case failed(String, ExitCode)
    /// No packet could be made, for a reason on this side.
    case unprepared(String, ExitCode)
}

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
    /// The packet was taken, and the connection closed without a receipt. The original's sinks do so; so does one that does not
    /// know the signer or cannot open the packet, and whoever is on the way and takes it away.
    case silent(Outgoing)
    /// Something that is no sink answered: what.
    case foreign(String)
    /// It failed, and is tried again at once in another way: nothing is counted.
    case retried(String)
    /// The entry left the list meanwhile: nothing was sent.
    case withdrawn
    /// Nothing was sent, or it is not known what became of it: the sink, or the way to it.
    case failed(String, ExitCode)
    /// No packet could be made, for a reason on this side.
    case unprepared(String, ExitCode)
}

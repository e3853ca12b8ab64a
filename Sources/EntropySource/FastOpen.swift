import EntropyState

/// Which sinks may have their packet in the first segment of a connection (TCP Fast Open, RFC 7413), where the kernel holds a
/// cookie that the sink's machine has handed out for this one.
///
/// A cookie is good for one pair of addresses, and while the sink's machine is not started anew. Behind a hotspot whose address
/// changes, or on a way that drops such segments, the packet goes again after the handshake: 1,300 bytes for the chance of
/// saving 120. And a packet is made for a sink of which nothing was heard: where it is gone, a counter was spent, and the time
/// of a TPM. So what was lost once is not tried again before as much could have been saved.
struct FastOpen {
    private let isWanted: Bool
    /// Connections that go by a handshake before the next attempt.
    private var rests: [Target.Identity: Int] = [:]

    static let rest = 12

    init(isWanted: Bool) { self.isWanted = isWanted }

    /// To be asked once for each connection.
    mutating func allows(_ identity: Target.Identity) -> Bool {
        guard isWanted else { return false }
        guard let left = rests[identity] else { return true }
        rests[identity] = left > 1 ? left - 1 : nil
        return false
    }

    /// A packet that left in the first segment has not arrived by that.
    mutating func failed(_ identity: Target.Identity) { rests[identity] = FastOpen.rest }
}

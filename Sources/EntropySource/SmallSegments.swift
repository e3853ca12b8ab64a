import EntropyState

/// Sinks that packets reach in small segments only: tunnels and hotspots may drop what is longer than they carry, and tell nobody,
/// so that the kernel sends the same segment again and again. P-256's packets have 1,215 bytes and often fit where RSA's do not.
struct SmallSegments {
    /// Bytes of data and TCP's options in a segment: what every way carries (RFC 9293, 3.7.1).
    static let size: Int32 = 536

    private var sinks: Set<Target.Identity> = []
    /// Those whose packets were not acknowledged in small segments either, and not in others since.
    private var inVain: Set<Target.Identity> = []

    /// What a connection to this sink is made with; nil for the kernel's choice.
    func size(for identity: Target.Identity) -> Int32? { sinks.contains(identity) ? SmallSegments.size : nil }

    /// True where small ones may help a sink whose packets are not acknowledged.
    func mayHelp(_ identity: Target.Identity) -> Bool { !sinks.contains(identity) && !inVain.contains(identity) }

    /// Small ones from now on.
    mutating func use(for identity: Target.Identity) { sinks.insert(identity) }

    /// A packet was not acknowledged: small segments are no cure where it went in those.
    mutating func failed(_ identity: Target.Identity) {
        guard sinks.remove(identity) != nil else { return }
        inVain.insert(identity)
    }

    /// A packet arrived.
    mutating func worked(_ identity: Target.Identity) { inVain.remove(identity) }
}

/// The adaptive proportion test (NIST SP 800-90B, 4.4.2): a source that lost much of its entropy gives one value too often.
public struct AdaptiveProportion: Sendable {
    private let cutoff: Int
    private var first: UInt8 = 0
    private var equal = 0
    private var seen = 0

    public init(cutoff: Int) { self.cutoff = cutoff }

    /// Takes the next samples; returns the first failure among them.
    public mutating func add(_ samples: [UInt8]) -> HealthFailure? {
        for sample in samples {
            if seen == 0 {
                first = sample
                equal = 1
            } else if sample == first {
                equal += 1
                if equal >= cutoff { return .proportion(count: equal) }
            }
            seen += 1
            if seen == Cutoff.window { seen = 0 }
        }
        return nil
    }
}

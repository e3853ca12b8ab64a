/// The repetition count test (NIST SP 800-90B, 4.4.1): a source that hangs gives one value again and again.
public struct RepetitionCount: Sendable {
    private let cutoff: Int
    private var last: UInt8 = 0
    private var count = 0

    public init(cutoff: Int) { self.cutoff = cutoff }

    /// Takes the next samples; returns the first failure among them.
    public mutating func add(_ samples: [UInt8]) -> HealthFailure? {
        for sample in samples {
            if count > 0, sample == last {
                count += 1
                if count >= cutoff { return .repetition(count: count) }
            } else {
                last = sample
                count = 1
            }
        }
        return nil
    }
}

/// The health tests of one source that run on all it gives (NIST SP 800-90B, 4.4, and the stuck-block test). A sample is a
/// byte.
public struct HealthTests: Sendable {
    public let repetitionCutoff: Int
    public let proportionCutoff: Int
    private var repetition: RepetitionCount
    private var proportion: AdaptiveProportion
    private var blocks: StuckBlock

    /// `entropy` is what is claimed of the source, in bits per byte, above 0 and at most 8.
    public init(entropy: Double, falseAlarmBits: Int = Cutoff.falseAlarmBits) {
        precondition(entropy > 0 && entropy <= 8, "a byte has 8 bits at the most")
        repetitionCutoff = Cutoff.repetition(entropy: entropy, falseAlarmBits: falseAlarmBits)
        proportionCutoff = Cutoff.proportion(entropy: entropy, falseAlarmBits: falseAlarmBits)
        repetition = RepetitionCount(cutoff: repetitionCutoff)
        proportion = AdaptiveProportion(cutoff: proportionCutoff)
        blocks = StuckBlock(entropy: entropy)
    }

    /// Takes the next bytes, and returns which test they fail first.
    public mutating func add(_ bytes: [UInt8]) -> HealthFailure? {
        // What repeats itself trips the last one, too: the first two say best what is wrong.
        if let failure = repetition.add(bytes) { return failure }
        if let failure = blocks.add(bytes) { return failure }
        return proportion.add(bytes)
    }

    /// Begins anew, after a failure or a pause. Blocks that came before are remembered: a source that repeats itself shall not
    /// pass because it was caught.
    public mutating func restart() {
        repetition = RepetitionCount(cutoff: repetitionCutoff)
        proportion = AdaptiveProportion(cutoff: proportionCutoff)
        blocks.restart()
    }
}

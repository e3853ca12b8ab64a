import Platform

/// From how many on a health test calls a source failed (NIST SP 800-90B, 4.4).
public enum Cutoff {
    /// A good source trips a test with a probability of about 2⁻³⁰: of the repetition count test with each sample, and no
    /// more often; of the adaptive proportion test with each window (see `proportion`). The standard asks for 2⁻²⁰ to 2⁻⁴⁰.
    public static let falseAlarmBits = 30
    /// Samples in a window of the adaptive proportion test, where a sample has more than two values (4.4.2).
    public static let window = 512

    /// Equal samples in a row (4.4.1): 1 + ⌈-log₂ α / H⌉, with α = 2^-`falseAlarmBits` and `entropy` H in bits per sample.
    public static func repetition(entropy: Double, falseAlarmBits: Int = falseAlarmBits) -> Int {
        1 + Int((Double(falseAlarmBits) / entropy).rounded(.up))
    }

    /// Samples of a window that are equal to its first one (4.4.2): 1 + CRITBINOM(512, 2^-H, 1 - α). The formula treats
    /// the first one as if it might differ from itself: with α = 2⁻³⁰ a good window trips with up to five times that.
    public static func proportion(entropy: Double, falseAlarmBits: Int = falseAlarmBits) -> Int {
        1 + critical(trials: window, probabilityBits: entropy, tailBits: Double(falseAlarmBits))
    }

    /// The least number of successes that is exceeded with a probability of at most 2^-`tailBits`, when each of `trials`
    /// trials succeeds with 2^-`probabilityBits`. Summed from the rare end, where nothing is lost to rounding.
    public static func critical(trials: Int, probabilityBits: Double, tailBits: Double) -> Int {
        let failureBits = -log2(1 - exp2(-probabilityBits))
        let limit = exp2(-tailBits)
        var tail = 0.0
        var ways = 0.0  // log₂ of trials over successes
        for successes in stride(from: trials, to: 0, by: -1) {
            let failures = trials - successes
            tail += exp2(ways - Double(successes) * probabilityBits - Double(failures) * failureBits)
            if tail > limit { return successes }
            ways += log2(Double(successes) / Double(failures + 1))
        }
        return 0
    }
}

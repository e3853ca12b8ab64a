import EntropyCrypto
import Health
import Platform

/// What a noise source gives when it is asked for much at once: how fast it is, whether it is healthy, and what can be
/// estimated of its entropy.
struct NoiseTrial: Sendable {
    let name: String
    let origin: String
    let kind: NoiseKind
    /// Bytes that it gave, and how long that took.
    private(set) var bytes = 0
    private(set) var milliseconds: Int64 = 0
    /// How long the first kilobyte took, as much as one filling of the pools asks for.
    private(set) var fillMilliseconds: Int64 = 0
    private(set) var estimate = MinEntropy()
    /// Why it ended early.
    private(set) var trouble: String?
    /// A health test tripped.
    private(set) var hasTripped = false
    private(set) var isInterrupted = false
    private(set) var isHealthy = false

    /// Samples for the estimates, as many as the standard asks for (NIST SP 800-90B, 3.1.1).
    static let samples = 1_000_000
    /// Fewer than these, and the estimates are not worth printing.
    static let fewestSamples = 10_000

    /// Asks `source` for a million bytes, for as long as `limit` milliseconds, or until the program is asked to end.
    init(_ source: any NoiseSource, clock: Clock, limit: Int64, _ termination: Termination) {
        name = source.name
        origin = source.origin
        kind = source.kind
        var monitor = HealthMonitor(entropy: source.kind.entropy)
        let start = Clock.nanoseconds()
        while bytes < NoiseTrial.samples, milliseconds < limit, !termination.check() {
            var noise: [UInt8]
            do throws(NoiseError) {
                noise = try source.gather(NoiseFeed.fillSize)
            } catch {
                // A wait for the TPM that the program's end cut short is no fault of the TPM's.
                if !termination.check() { trouble = error.message }
                break
            }
            defer { wipe(&noise) }
            milliseconds = (Clock.nanoseconds() - start) / 1_000_000
            if bytes == 0 { fillMilliseconds = milliseconds }
            guard !noise.isEmpty else { break }
            if let failure = monitor.add(noise) {
                trouble = failure.message
                hasTripped = true
                break
            }
            bytes += noise.count
            // No more than what was asked for goes into the estimates.
            estimate.add(noise)
        }
        isInterrupted = termination.check()
        isHealthy = trouble == nil && monitor.status == .healthy
    }

    /// Bytes per second; 0 where it was too fast or too slow to tell.
    var rate: Int { milliseconds == 0 ? 0 : Int(Int64(bytes) * 1000 / milliseconds) }

    /// True when the estimates have enough samples to say something.
    var isEstimated: Bool { estimate.count >= NoiseTrial.fewestSamples }

    /// Below what is claimed, though the estimate had all its samples.
    var isBelowClaim: Bool {
        guard bytes >= NoiseTrial.samples else { return false }
        // Even perfect bytes fall short of 8 by what the estimates leave for chance.
        return min(estimate.mostCommonValue, estimate.markov) < kind.entropy - NoiseTrial.chance
    }

    /// Bits: the most common of 256 values among a million has 7.88 with perfect bytes.
    private static let chance = 0.25
}

import EntropyPacket
import Fortuna
import Platform

/// Carries what the noise sources give into Fortuna's pools, and knows whether they may be trusted.
final class NoiseFeed {
    /// Bytes that one source gives to one filling: an event of 32 bytes for each pool, from each source alike, so that none
    /// drowns another. It is what the start-up test asks for, too.
    static let fillSize = Accumulator.poolCount * Accumulator.eventSizes.upperBound

    /// Milliseconds, and bytes of output, after which the pools are filled anew at the latest, as in the original.
    static let interval: Int64 = 6 * 3_600_000
    private let outputLimit: UInt64

    let inlets: [NoiseInlet]
    private let accumulator: Accumulator
    private let clock: Clock
    private let isSoftwareEnough: Bool
    private var filled: Int64
    private var output: UInt64 = 0

    /// `isSoftwareEnough` is for tests: without it, one physical source has to be healthy.
    init(
        _ sources: [any NoiseSource], into accumulator: Accumulator, clock: Clock, isSoftwareEnough: Bool,
        outputLimit: UInt64 = 1 << 32
    ) {
        precondition((1...255).contains(sources.count), "Fortuna numbers its sources by one byte")
        inlets = sources.enumerated().map { NoiseInlet($1, number: UInt8($0), clock: clock) }
        self.accumulator = accumulator
        self.clock = clock
        self.isSoftwareEnough = isSoftwareEnough
        self.outputLimit = outputLimit
        filled = clock.milliseconds()
    }

    /// Milliseconds since the last filling.
    var age: Int64 { saturatingDifference(clock.milliseconds(), filled) }

    /// True when the last filling is too long ago.
    var isDue: Bool {
        age >= NoiseFeed.interval || accumulator.outputCount &- output >= outputLimit
    }

    /// True while a source that counts is healthy.
    var isTrusted: Bool { inlets.contains { counts($0) && $0.isHealthy } }

    /// True when no source that counts will ever be tried again.
    var isHopeless: Bool { inlets.allSatisfy { !counts($0) || $0.isGivenUp } }

    /// One event of every source in every pool, or as many as the next reseed needs, so that no source alone decides. Fails
    /// where none of those that count is healthy.
    func fill(report: (String) -> Void) throws(NoiseError) {
        filled = clock.milliseconds()
        output = accumulator.outputCount
        var isFirst = true
        repeat {
            // Who failed in this filling is not asked twice.
            var drawn = draw(inlets.filter { isFirst || $0.isHealthy }, urgent: false, report)
            isFirst = false
            try requireTrust()
            // All that is healthy is slow, and rests.
            if drawn == 0 { drawn = draw(inlets, urgent: true, report) }
            try requireTrust()
            // A trusted source that gives nothing now will not fill pool 0 either.
            guard drawn > 0 else { return }
        } while !accumulator.canReseed
    }

    private func draw(_ inlets: [NoiseInlet], urgent: Bool, _ report: (String) -> Void) -> Int {
        inlets.reduce(0) {
            $0 + $1.draw(NoiseFeed.fillSize, into: accumulator, urgent: urgent, report: report)
        }
    }

    /// Fails where none of the sources that count is healthy.
    func requireTrust() throws(NoiseError) {
        guard !isTrusted else { return }
        let wanted = isSoftwareEnough ? "noise source" : "physical noise source"
        let counting = inlets.filter { counts($0) }
        let reasons = counting.map { $0.explanation }
        let detail =
            reasons.isEmpty
            ? "none is there, or chosen: a TPM, /dev/hwrng or the kernel's jitterentropy_rng would do, getrandom(2) does not; "
                + "--software-only is for tests"
            : reasons.joined(separator: "; ")
        throw NoiseError(
            counting.contains { $0.trouble?.exitCode == .permission } ? .permission : .unavailable,
            "no \(wanted) is healthy, nothing is sent: \(detail)")
    }

    private func counts(_ inlet: NoiseInlet) -> Bool { isSoftwareEnough || inlet.source.kind.isPhysical }
}

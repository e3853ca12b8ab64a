import Health
import Support
import Testing

/// How often good sources fail, with cutoffs so low that it can be counted. The noise is the same in every run, and so is
/// what comes of it: four standard deviations are room enough.
@Suite(.enabled(if: hasPython, "python3 is not installed")) struct FalseAlarmTests {
    static let sampleCount = 1 << 19

    struct Source: Sendable, CustomTestStringConvertible {
        let bits, falseAlarmBits: Int
        var testDescription: String { "\(bits) bits per byte, 2^-\(falseAlarmBits)" }
        var samples: [UInt8] {
            var noise = GoodBytes(seed: UInt64(100 * bits + falseAlarmBits))
            return noise.take(FalseAlarmTests.sampleCount, bits: bits)
        }
    }

    static func sources(_ falseAlarmBits: [Int]) -> [Source] {
        [1, 2, 4, 8].flatMap { bits in falseAlarmBits.map { Source(bits: bits, falseAlarmBits: $0) } }
    }

    /// `found` is as many as `expected`, give or take chance.
    static func isLikely(_ found: Int, _ expected: Double) -> Bool {
        abs(Double(found) - expected) <= 4 * expected.squareRoot()
    }

    @Test(arguments: sources([8, 10, 12])) func repetitions(_ source: Source) {
        let cutoff = Cutoff.repetition(entropy: Double(source.bits), falseAlarmBits: source.falseAlarmBits)
        let fresh = RepetitionCount(cutoff: cutoff)
        var test = fresh
        var alarms = 0
        let samples = source.samples
        for start in stride(from: 0, to: samples.count, by: 256) {
            let part = Array(samples[start..<(start + 256)])
            let before = test
            guard test.add(part) != nil else { continue }
            // Once more, one by one: after an alarm the test begins anew with the next sample.
            test = before
            for sample in part where test.add([sample]) != nil {
                alarms += 1
                test = fresh
            }
        }
        // On average it takes (k^c - 1) / (k - 1) samples until one of k equally likely values came c times in a row.
        let values = Double(1 << source.bits)
        let power = (0..<cutoff).reduce(1.0) { product, _ in product * values }
        #expect(FalseAlarmTests.isLikely(alarms, Double(samples.count) * (values - 1) / (power - 1)))
        let promised = Double(samples.count) / Double(1 << source.falseAlarmBits)
        #expect(Double(alarms) <= promised + 4 * promised.squareRoot())
        #expect(alarms > 0)
    }

    @Test(arguments: sources([4, 6, 8])) func proportions(_ source: Source) throws {
        let row = try #require(try CutoffRow.peer(source.falseAlarmBits, [String(source.bits)]).first)
        let samples = source.samples
        var alarms = 0
        for start in stride(from: 0, to: samples.count, by: Cutoff.window) {
            var test = AdaptiveProportion(
                cutoff: Cutoff.proportion(entropy: Double(source.bits), falseAlarmBits: source.falseAlarmBits))
            if test.add(Array(samples[start..<(start + Cutoff.window)])) != nil { alarms += 1 }
        }
        // Not 2^-falseAlarmBits: the standard's formula does not count the first sample (see `Cutoff.proportion`).
        #expect(FalseAlarmTests.isLikely(alarms, Double(samples.count / Cutoff.window) * row.window))
        #expect(alarms > 0)
    }

    @Test(arguments: [1, 2, 4, 8]) func withTheRealCutoffsThereIsNone(_ bits: Int) {
        var noise = GoodBytes(seed: UInt64(bits))
        var tests = HealthTests(entropy: Double(bits))
        #expect(tests.add(noise.take(FalseAlarmTests.sampleCount, bits: bits)) == nil)
    }
}

import CEvidence
import CommandLine
import Health
import Platform

/// Good noise that is the same in each run: bytes with one of 2^bits values, equally likely.
struct GoodNoise {
    let bits: Int
    private var block: UInt64 = 0
    static let batch = 1 << 16

    init(bits: Int) { self.bits = bits }

    mutating func take() throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: GoodNoise.batch)
        guard evidence_good_bytes(UInt8(bits), block, &bytes, bytes.count) == 1 else {
            throw Failure(.failed, "OpenSSL's AES-256 failed")
        }
        block += UInt64(bytes.count / 16)
        let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
        if mask != 255 { for place in bytes.indices { bytes[place] &= mask } }
        return bytes
    }
}

/// How often one test, with its cutoff for one α, failed on good noise.
struct Alarms {
    /// Samples, windows or, with all tests, samples.
    var trials: Int64 = 0
    var count: Int64 = 0
    /// The probability of an alarm for each trial: what follows from the cutoff, and what α is.
    let exact, promised: Double

    /// As many as the cutoff lets expect; five standard deviations, and one alarm, are left to chance.
    var isLikely: Bool {
        let expected = Double(trials) * exact
        let distance = Double(count) - expected
        return distance.magnitude <= 5 * expected.squareRoot() + 1
    }
}

/// Counts the alarms of a repetition count test, which begins anew after each.
struct RepetitionAlarms {
    private let fresh: RepetitionCount
    private var test: RepetitionCount
    var alarms: Alarms

    init(bits: Int, falseAlarmBits: Int) {
        let cutoff = Cutoff.repetition(entropy: Double(bits), falseAlarmBits: falseAlarmBits)
        fresh = RepetitionCount(cutoff: cutoff)
        test = fresh
        // It takes (k^c - 1) / (k - 1) samples on average until one of k equally likely values came c times in a row.
        let values = exp2(Double(bits))
        alarms = Alarms(
            exact: (values - 1) / (exp2(Double(bits * cutoff)) - 1), promised: exp2(-Double(falseAlarmBits)))
    }

    mutating func add(_ samples: [UInt8]) {
        alarms.trials += Int64(samples.count)
        let before = test
        guard test.add(samples) != nil else { return }
        // Once more, one by one, since the samples after the alarm count too.
        test = before
        for sample in samples where test.add([sample]) != nil {
            alarms.count += 1
            test = fresh
        }
    }
}

/// Counts the windows of an adaptive proportion test that fail.
struct ProportionAlarms {
    private let cutoff: Int
    var alarms: Alarms

    init(bits: Int, falseAlarmBits: Int) {
        cutoff = Cutoff.proportion(entropy: Double(bits), falseAlarmBits: falseAlarmBits)
        alarms = Alarms(
            exact: ProportionAlarms.tail(bits: Double(bits), from: cutoff - 1), promised: exp2(-Double(falseAlarmBits)))
    }

    /// `samples` are a window.
    mutating func add(_ samples: [UInt8]) {
        var test = AdaptiveProportion(cutoff: cutoff)
        alarms.trials += 1
        if test.add(samples) != nil { alarms.count += 1 }
    }

    /// The probability that at least `least` of a window's other samples are as its first one, which counts itself.
    private static func tail(bits: Double, from least: Int) -> Double {
        let others = Cutoff.window - 1
        let failureBits = -log2(1 - exp2(-bits))
        var sum = 0.0
        var ways = 0.0  // log₂ of others over successes
        for successes in stride(from: others, through: least, by: -1) {
            sum += exp2(ways - Double(successes) * bits - Double(others - successes) * failureBits)
            ways += log2(Double(successes) / Double(others - successes + 1))
        }
        return sum
    }
}

/// How often the health tests call good sources failed: all together as they are used, and each with an α that is large
/// enough to be seen.
func countFalseAlarms(samples: Int64) throws(Failure) {
    let widths = [22, 5, 6, 12, 9, 12, 12]
    try Terminal.output(row(["test", "H", "alpha", "trials", "alarms", "expected", "promised"], widths))
    var unlikely = 0
    func show(_ test: String, _ bits: Int, _ falseAlarmBits: Int, _ alarms: Alarms) throws(Failure) {
        let trials = Double(alarms.trials)
        let numbers = [fixed(trials * alarms.exact, 4), fixed(trials * alarms.promised, 4)]
        try Terminal.output(
            row(
                [test, "\(bits)", "2^-\(falseAlarmBits)", "\(alarms.trials)", "\(alarms.count)"] + numbers, widths))
        if !alarms.isLikely { unlikely += 1 }
    }
    for bits in [1, 2, 4, 8] {
        let real = Cutoff.falseAlarmBits
        var whole = HealthTests(entropy: Double(bits))
        // A sample can end both tests' patience, though a window's only once in 512.
        let repetition = RepetitionAlarms(bits: bits, falseAlarmBits: real).alarms
        let proportion = ProportionAlarms(bits: bits, falseAlarmBits: real).alarms
        var all = Alarms(
            exact: repetition.exact + proportion.exact / Double(Cutoff.window),
            promised: repetition.promised + proportion.promised / Double(Cutoff.window))
        let visible = [16, 10]
        var repetitions = visible.map { RepetitionAlarms(bits: bits, falseAlarmBits: $0) }
        var proportions = visible.map { ProportionAlarms(bits: bits, falseAlarmBits: $0) }
        var told: [String] = []
        var noise = GoodNoise(bits: bits)
        var done: Int64 = 0
        while done < samples {
            let batch = try noise.take()
            for start in stride(from: 0, to: batch.count, by: Cutoff.window) where done < samples {
                let window = Array(batch[start..<(start + Cutoff.window)])
                all.trials += Int64(window.count)
                if let failure = whole.add(window) {
                    all.count += 1
                    if told.count < 3 { told.append("    before sample \(all.trials): \(failure.message)") }
                    whole = HealthTests(entropy: Double(bits))
                }
                for place in visible.indices {
                    repetitions[place].add(window)
                    proportions[place].add(window)
                }
                done += Int64(window.count)
            }
        }
        try show("all, as they are used", bits, real, all)
        for line in told { try Terminal.output(line) }
        for (place, alpha) in visible.enumerated() {
            try show("repetition count", bits, alpha, repetitions[place].alarms)
            try show("adaptive proportion", bits, alpha, proportions[place].alarms)
        }
    }
    guard unlikely == 0 else { throw Failure(.failed, "\(unlikely) of these are not what the cutoffs let expect") }
}

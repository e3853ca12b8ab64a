import Health
import Support
import Testing

@Suite struct CutoffTests {
    /// Every tenth of a bit, every whole number, and what fits no grid.
    static let entropies =
        (1...80).map { "\($0 / 10).\($0 % 10)" } + ["1", "2", "3", "4", "5", "6", "7", "8"]
        + ["0.001", "0.015625", "0.333", "0.97", "1.06", "2.718281828", "3.14159", "6.93", "7.255", "7.9999"]

    @Test(.enabled(if: hasPython, "python3 is not installed"), arguments: [20, 30, 40])
    func areThoseOfTheStandard(_ bits: Int) throws {
        let rows = try CutoffRow.peer(bits, CutoffTests.entropies)
        #expect(rows.count == CutoffTests.entropies.count)
        for row in rows {
            #expect(
                Cutoff.repetition(entropy: row.entropy, falseAlarmBits: bits) == row.repetition, "H = \(row.entropy)")
            #expect(
                Cutoff.proportion(entropy: row.entropy, falseAlarmBits: bits) == row.proportion, "H = \(row.entropy)")
        }
    }

    @Test func repetitionsThatWerePublished() {
        // SP 800-90B, 4.4.1: the example. Then those of jitterentropy, 1 + 30 * osr for H = 1/osr.
        #expect(Cutoff.repetition(entropy: 2, falseAlarmBits: 20) == 11)
        #expect(Cutoff.repetition(entropy: 1) == 31)
        #expect(Cutoff.repetition(entropy: 0.5) == 61)
        #expect(Cutoff.repetition(entropy: 0.25) == 121)
        // 1 + ⌈30 / 7.3⌉ and 1 + ⌈30 / 8⌉.
        #expect(Cutoff.repetition(entropy: 7.3) == 6)
        #expect(Cutoff.repetition(entropy: 8) == 5)
    }

    /// Jitterentropy's cutoffs for H = 1/osr count the first sample of a window as seen (2 + CRITBINOM(511, ...)), where the
    /// standard's formula does not: that is never less, and at most one more.
    @Test func proportionsThatJitterentropyCorrected() {
        let published = [325, 422, 459, 477, 488, 494, 499, 502, 505, 507, 508, 509, 510, 511]
        for (place, cutoff) in published.enumerated() {
            let ours = Cutoff.proportion(entropy: 1 / Double(place + 1))
            #expect((cutoff - 1...cutoff).contains(ours), "H = 1/\(place + 1)")
        }
    }

    /// What `Cutoff.proportion` says of itself: the formula's windows trip at most five times as often as 2⁻³⁰.
    @Test(.enabled(if: hasPython, "python3 is not installed")) func whatAWindowReallyPromises() throws {
        let rows = try CutoffRow.peer(Cutoff.falseAlarmBits, CutoffTests.entropies)
        let most = try #require(rows.map(\.window).max())
        #expect(most * 0x1p30 < 5.1)
        #expect(most * 0x1p30 > 4)
    }

    @Test func withoutTrialsNothingIsExceeded() {
        #expect(Cutoff.critical(trials: 0, probabilityBits: 1, tailBits: 30) == 0)
    }
}

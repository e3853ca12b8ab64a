import Foundation
import Health
import Support
import Testing

/// Against rngtest, on the same bytes: that of rng-tools-debian, since that of rng-tools5 still counts the last run of a
/// block for the wrong bit (Debian's bug 776134).
@Suite struct FIPS140Tests {
    static let hasPeer = haveTools("rngtest")

    /// How many blocks failed, and how many failed each test.
    struct Counts: Equatable { var failed = 0, tests: [String: Int] = [:] }

    static func ours(_ bytes: [UInt8]) -> Counts {
        var fips = FIPS140()
        for start in stride(from: 0, to: bytes.count, by: FIPS140.blockSize) {
            fips.add(block: Array(bytes[start..<(start + FIPS140.blockSize)]))
        }
        let tests = FIPS140.Test.allCases.map { ($0.name.description, fips.failures(of: $0)) }
        return Counts(failed: fips.failedBlocks, tests: Dictionary(uniqueKeysWithValues: tests))
    }

    /// rngtest compares the first 32 bits with what came before them, and takes 32 bits from its input for that: here they
    /// are others than the first ones, so that, as for us, there is nothing to be found.
    static func rngtest(_ bytes: [UInt8]) throws -> Counts {
        let finished = try run(["rngtest"], input: Data(bytes.prefix(4).map { ~$0 } + bytes))
        var counts = Counts()
        var tested = 0
        for line in finished.errorLines {
            let words = line.components(separatedBy: ": ")
            guard words.count == 3, let count = Int(words[2]), words[1].hasPrefix("FIPS 140-2") else { continue }
            switch words[1].dropFirst("FIPS 140-2".count) {
            case " successes": tested += count
            case " failures":
                counts.failed = count
                tested += count
            case let test: counts.tests[test.drop { $0 != ")" }.dropFirst(2).lowercased()] = count
            }
        }
        #expect(tested == bytes.count / FIPS140.blockSize)
        return counts
    }

    static func compare(_ bytes: [UInt8]) throws -> Counts {
        let ours = ours(bytes)
        #expect(try ours == rngtest(bytes))
        return ours
    }

    enum Stream: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case good, slightlyBiased, biased, sticky, zeros, ones, alternating, fewValues, repeatedWords, text

        var testDescription: String { rawValue }

        var bytes: [UInt8] {
            var noise = GoodBytes(seed: 21)
            let count = 20 * FIPS140.blockSize
            switch self {
            case .good: return noise.take(150 * FIPS140.blockSize)
            case .slightlyBiased: return noise.take(count).map { noise.number(below: 8) == 0 ? $0 | 0x42 : $0 }
            case .biased: return zip(noise.take(count), noise.take(count)).map { $0 | $1 }
            case .sticky:
                var last = false
                let bits = (0..<(8 * count / 4)).map { _ in
                    if noise.number(below: 100) < 47 { last.toggle() }
                    return last
                }
                return FIPSBlock.bytes(bits)
            case .zeros: return [UInt8](repeating: 0, count: count)
            case .ones: return [UInt8](repeating: 255, count: count)
            case .alternating: return [UInt8](repeating: 0x55, count: count)
            case .fewValues: return noise.take(count, bits: 5)
            case .repeatedWords:
                var bytes = noise.take(count)
                // Two words for each block, wherever they begin: only some are words of the test.
                for _ in 0..<40 {
                    let place = noise.number(below: count - 8)
                    for offset in 0..<4 { bytes[place + 4 + offset] = bytes[place + offset] }
                }
                return bytes
            case .text: return (0..<count).map { Array("the quick brown fox jumps over the lazy dog ".utf8)[$0 % 44] }
            }
        }
    }

    @Test(.enabled(if: hasPeer, "rngtest is not installed"), arguments: Stream.allCases)
    func countsAreThoseOfRngtest(_ stream: Stream) throws {
        let counts = try FIPS140Tests.compare(stream.bytes)
        #expect(stream == .good ? counts.failed < 5 : counts.failed > 0)
    }

    /// A block at a bound passes, and one beyond it fails the one test.
    private func expect(_ block: [UInt8], fails test: String?) throws {
        let counts = try FIPS140Tests.compare(block)
        #expect(counts.tests.filter { $0.value > 0 }.keys.sorted() == (test.map { [$0] } ?? []))
    }

    @Test(
        .enabled(if: hasPeer, "rngtest is not installed"),
        arguments: [(9725, true), (9726, false), (10274, false), (10275, true)])
    func ones(_ count: Int, fails: Bool) throws {
        try expect(FIPSBlock.ones(count), fails: fails ? "monobit" : nil)
    }

    // 2.16 < 16/5000 Σf² - 5000 < 46.17; the sum of the squares is always even.
    @Test(
        .enabled(if: hasPeer, "rngtest is not installed"),
        arguments: [(1_563_174, true), (1_563_176, false), (1_576_928, false), (1_576_930, true)])
    func squares(_ sum: Int, fails: Bool) throws {
        try expect(FIPSBlock.squares(sum), fails: fails ? "poker" : nil)
    }

    @Test(
        .enabled(if: hasPeer, "rngtest is not installed"),
        arguments: [(1, 2315, 2685), (2, 1114, 1386), (3, 527, 723), (4, 240, 384), (5, 103, 209), (6, 103, 209)])
    func runs(_ length: Int, least: Int, most: Int) throws {
        for bit in 0...1 {
            for (count, fails) in [(least - 1, 1), (least, 0), (most, 0), (most + 1, 1)] {
                // So few or so many runs may fail the poker test too, and rightly.
                let counts = try FIPS140Tests.compare(FIPSBlock.runs(count, length: length, bit: bit))
                #expect(counts.tests["runs"] == fails, "\(count) runs of \(length)")
            }
        }
    }

    @Test(
        .enabled(if: hasPeer, "rngtest is not installed"),
        arguments: [0, 1, 7, 8, 4003, 9984, 20000 - 27, 20000 - 26])
    func longRuns(_ start: Int) throws {
        for bit in [false, true] {
            try expect(FIPSBlock.longRun(25, of: bit, at: start), fails: nil)
            try expect(FIPSBlock.longRun(26, of: bit, at: start), fails: "long run")
        }
    }

    @Test(.enabled(if: hasPeer, "rngtest is not installed")) func aRunEndsWithItsBlock() throws {
        let two = FIPSBlock.longRun(20, of: true, at: 20000 - 20) + FIPSBlock.longRun(20, of: true, at: 0)
        #expect(try FIPS140Tests.compare(two).failed == 0)
    }

    @Test(.enabled(if: hasPeer, "rngtest is not installed")) func aWordThatComesAgain() throws {
        let good = FIPSBlock.good(seed: 31)
        for place in [0, 4, 1000, 2492] {
            var block = good
            for offset in 0..<4 { block[place + 4 + offset] = block[place + offset] }
            try expect(block, fails: "continuous run")
        }
        // Four equal bytes that are no two words, and words that are equal but do not follow each other.
        var block = good
        for offset in 0..<4 { block[106 + offset] = block[102 + offset] }
        for offset in 0..<4 { block[208 + offset] = block[200 + offset] }
        try expect(block, fails: nil)
        // The last word of one block and the first of the next.
        block = good
        for offset in 0..<4 { block[offset] = good[2496 + offset] }
        #expect(try FIPS140Tests.compare(good + block).tests["continuous run"] == 1)
    }

    @Test func aFewFailuresAreExpected() {
        // 2^-9.9 for each: three bad blocks of three are 2^-29.7, four of four 2^-39.6.
        let bad = [UInt8](repeating: 0, count: FIPS140.blockSize)
        var fips = FIPS140()
        #expect(!fips.isFailed)
        for _ in 0..<3 { fips.add(block: bad) }
        #expect(!fips.isFailed)
        fips.add(block: bad)
        #expect(fips.isFailed)
        #expect(fips.blocks == 4)
        #expect(fips.failedBlocks == 4)
    }
}

/// The statistical tests of FIPS 140-2 (4.9.1, change notice 1 and before: monobit, poker, runs, long run) and its continuous
/// test (4.9.2) over words of 32 bits, block by block of 20,000 bits. About one good block in 1,250 fails one of them.
public struct FIPS140: Sendable {
    /// Bytes of one block.
    public static let blockSize = 2500
    /// Blocks of good bits that fail: at most 2^-9.9 of them.
    public static let failureBits = 9.9

    /// In the order of the standard.
    public enum Test: Int, Sendable, CaseIterable {
        case monobit, poker, runs, longRun, continuous

        public var name: StaticString {
            switch self {
            case .monobit: "monobit"
            case .poker: "poker"
            case .runs: "runs"
            case .longRun: "long run"
            case .continuous: "continuous run"
            }
        }
    }

    /// Whole blocks that were tested.
    public private(set) var blocks = 0
    /// Blocks that failed at least one test.
    public private(set) var failedBlocks = 0
    private var failures = [Int](repeating: 0, count: Test.allCases.count)
    private var lastWord: UInt32?

    public init() {}

    /// Blocks that failed this test.
    public func failures(of test: Test) -> Int { failures[test.rawValue] }

    /// More blocks failed than good bits let expect; a false alarm has a probability of 2⁻³⁰.
    public var isFailed: Bool { failedBlocks > allowedBlocks }

    /// Blocks that may fail.
    public var allowedBlocks: Int {
        Cutoff.critical(
            trials: blocks, probabilityBits: FIPS140.failureBits, tailBits: Double(Cutoff.falseAlarmBits))
    }

    /// Tests one block of 2,500 bytes, their most significant bits first.
    public mutating func add(block: [UInt8]) {
        precondition(block.count == FIPS140.blockSize, "a block has 20,000 bits")
        let bits = Runs(block)
        let failed: [Bool] = [
            !(9726...10274).contains(block.reduce(0) { $0 + $1.nonzeroBitCount }),
            !isPokerPassed(block),
            !bits.arePassed,
            bits.longest >= 26,
            !isContinuousPassed(block),
        ]
        for (test, hasFailed) in failed.enumerated() where hasFailed { failures[test] += 1 }
        if failed.contains(true) { failedBlocks += 1 }
        blocks += 1
    }

    /// 2.16 < 16/5000 Σf² - 5000 < 46.17, with f the number of times that each value of four bits occurs; in whole numbers.
    private func isPokerPassed(_ block: [UInt8]) -> Bool {
        var counts = [Int](repeating: 0, count: 16)
        for byte in block {
            counts[Int(byte >> 4)] += 1
            counts[Int(byte & 15)] += 1
        }
        let squares = counts.reduce(0) { $0 + $1 * $1 }
        return (1_563_176...1_576_928).contains(squares)
    }

    private mutating func isContinuousPassed(_ block: [UInt8]) -> Bool {
        var isPassed = true
        for place in stride(from: 0, to: block.count, by: 4) {
            let word = block[place..<(place + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            if word == lastWord { isPassed = false }
            lastWord = word
        }
        return isPassed
    }

    /// Runs of equal bits, by their length; six means six and more.
    private struct Runs {
        private var counts = [Int](repeating: 0, count: 14)  // 7 * bit + length
        private(set) var longest = 0
        private static let allowed = [2315...2685, 1114...1386, 527...723, 240...384, 103...209, 103...209]

        init(_ block: [UInt8]) {
            var length = 0
            var last = 0
            for byte in block {
                for shift in stride(from: 7, through: 0, by: -1) {
                    let bit = Int(byte >> UInt8(shift)) & 1
                    if bit == last {
                        length += 1
                    } else {
                        end(last, length)
                        last = bit
                        length = 1
                    }
                }
            }
            end(last, length)
        }

        private mutating func end(_ bit: Int, _ length: Int) {
            guard length > 0 else { return }
            counts[7 * bit + min(length, 6)] += 1
            longest = max(longest, length)
        }

        var arePassed: Bool {
            for bit in 0...1 {
                for length in 1...6 where !Runs.allowed[length - 1].contains(counts[7 * bit + length]) { return false }
            }
            return true
        }
    }
}

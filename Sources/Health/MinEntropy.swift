import Platform

/// Two of the standard's estimates of min-entropy (NIST SP 800-90B, 6.3), of bytes as they come. They bound from above what
/// a source can have: a generator without any entropy can pass them.
public struct MinEntropy: Sendable {
    /// Bytes that were counted.
    public private(set) var count = 0
    // Bits are more than bytes: 32 of them, as an Int of the board's has, would end after 256 MiB.
    private var values = [Int64](repeating: 0, count: 256)
    /// Pairs of bits that follow each other, as 2 * first + second.
    private var pairs = [Int64](repeating: 0, count: 4)
    private var ones: Int64 = 0
    private var lastBit: Int?

    /// 2.576: half the width of the normal distribution's 99 % interval, in standard deviations (6.3.1).
    private static let confidence = 2.5758293035489008

    public init() {}

    public mutating func add(_ bytes: [UInt8]) {
        count += bytes.count
        for byte in bytes {
            values[Int(byte)] += 1
            ones += Int64(byte.nonzeroBitCount)
            for shift in stride(from: 7, through: 0, by: -1) {
                let bit = Int(byte >> UInt8(shift)) & 1
                if let lastBit { pairs[2 * lastBit + bit] += 1 }
                lastBit = bit
            }
        }
    }

    /// The most common value estimate (6.3.1), in bits per byte; 0 for fewer than two bytes.
    public var mostCommonValue: Double {
        guard count > 1 else { return 0 }
        let share = Double(values.max() ?? 0) / Double(count)
        let bound = share + MinEntropy.confidence * (share * (1 - share) / Double(count - 1)).squareRoot()
        return max(0, -log2(min(1, bound)))
    }

    /// The Markov estimate (6.3.3) of the bits, the most significant one of each byte first, times eight: in bits per byte.
    public var markov: Double {
        guard count > 1 else { return 0 }
        // All in bits: -log₂ of the probabilities.
        let one = Double(ones) / (8 * Double(count))
        let start = [-log2(1 - one), -log2(one)]
        let step = (0..<4).map { pair in
            let all = pairs[pair & 2] + pairs[pair | 1]
            return all == 0 ? 0 : -log2(Double(pairs[pair]) / Double(all))
        }
        // The most likely ways of 128 bits: where each step has its own exponent.
        let ways = [
            start[0] + 127 * step[0b00],
            start[0] + 64 * step[0b01] + 63 * step[0b10],
            start[0] + step[0b01] + 126 * step[0b11],
            start[1] + step[0b10] + 126 * step[0b00],
            start[1] + 64 * step[0b10] + 63 * step[0b01],
            start[1] + 127 * step[0b11],
        ].filter { !$0.isNaN }
        return 8 * min(1, max(0, ways.reduce(Double.infinity) { min($0, $1) } / 128))
    }
}

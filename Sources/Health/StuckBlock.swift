/// The stuck-block test: as many bytes as a block has are those of a block that came shortly before. A driver that repeats its
/// last answer, or a generator that was seeded as before, gives many different bytes and is still no noise.
///
/// A block is as long as its claimed entropy makes a good source repeat one with less than 2⁻³⁰ at each byte. The last bytes,
/// wherever they begin, are compared with the last 64 blocks, so that whatever repeats itself after up to 64 blocks is found,
/// also where that is no whole number of them. Kept are fingerprints, and the bytes of one block.
public struct StuckBlock: Sendable {
    /// Blocks that are remembered.
    public static let memory = 64
    /// Bytes of a block of good bytes, eight bits of entropy each.
    public static let unit = 16

    /// Bytes of a block.
    public let size: Int
    private var fingerprints = [UInt64](repeating: 0, count: memory)
    private var known = 0
    private var place = 0
    /// How many of the fingerprints begin with these twelve bits: most bytes need no further look.
    private var beginnings = [UInt8](repeating: 0, count: 1 << 12)
    /// The last bytes, a ring, their fingerprint, and how many there are since the beginning.
    private var last: [UInt8]
    private var fingerprint: UInt64 = 0
    private var count = 0
    /// What a byte weighs that leaves.
    private let leaving: UInt64

    /// The fingerprint is a polynomial over the bytes, modulo 2⁶⁴. Nobody gains by making two alike here.
    private static let factor: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// `entropy` in bits per byte.
    public init(entropy: Double) {
        // 2⁻³⁰, for each of the 64 comparisons.
        let bits = Double(Cutoff.falseAlarmBits + StuckBlock.memory.trailingZeroBitCount)
        size = StuckBlock.unit * max(1, Int((bits / (entropy * Double(StuckBlock.unit))).rounded(.up)))
        last = [UInt8](repeating: 0, count: size)
        leaving = (0..<size).reduce(1) { weight, _ in weight &* StuckBlock.factor }
    }

    /// Takes the next bytes; returns the first failure among them. They go on from one call to the next.
    public mutating func add(_ bytes: [UInt8]) -> HealthFailure? {
        var start = 0
        while start < bytes.count {
            // No further than to the end of a block.
            let end = min(bytes.count, start + size - count % size)
            guard scan(bytes[start..<end]) else { return .stuckBlock(size: size) }
            start = end
            if count % size == 0 { remember() }
            // As good as a count without an end, which a 32-bit machine has not.
            if count == 2 * size { count = size }
        }
        return nil
    }

    /// Takes bytes of one block, until one of them is the last of bytes that are known: false. Everything that it looks at for
    /// each byte is at hand: a sink does this with every chunk.
    private mutating func scan(_ bytes: ArraySlice<UInt8>) -> Bool {
        let isFirst = count < size
        let at = count % size
        let (leaving, beginnings) = (leaving, beginnings)
        var fingerprint = fingerprint
        var taken = 0
        var isGood = true
        last.withUnsafeMutableBufferPointer { last in
            for byte in bytes {
                // A byte of zero has to count, too.
                let gone = isFirst ? 0 : UInt64(last[at + taken]) &+ 1
                fingerprint = fingerprint &* StuckBlock.factor &+ UInt64(byte) &+ 1 &- gone &* leaving
                last[at + taken] = byte
                taken += 1
                guard beginnings[Int(fingerprint >> 52)] > 0, !isFirst || at + taken == last.count else { continue }
                isGood = !fingerprints[..<known].contains(fingerprint)
                if !isGood { break }
            }
        }
        self.fingerprint = fingerprint
        count += taken
        return isGood
    }

    private mutating func remember() {
        if known == StuckBlock.memory {
            beginnings[Int(fingerprints[place] >> 52)] -= 1
        } else {
            known += 1
        }
        fingerprints[place] = fingerprint
        beginnings[Int(fingerprint >> 52)] += 1
        place = (place + 1) % StuckBlock.memory
    }

    /// The next byte begins a block.
    public mutating func restart() {
        fingerprint = 0
        count = 0
    }

    /// What is wrong with bytes that shall be as good as random: 16 bytes that come again, or one value 16 times in a row,
    /// wherever. A good chunk of 1,024 bytes fails with 2⁻⁴⁹: each byte is compared with up to 64 fingerprints of 64 bits.
    public static func check(_ bytes: [UInt8]) -> HealthFailure? {
        var blocks = StuckBlock(entropy: 8)
        var runs = RepetitionCount(cutoff: unit)
        return runs.add(bytes) ?? blocks.add(bytes)
    }
}

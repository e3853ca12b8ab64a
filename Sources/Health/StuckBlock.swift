/// The stuck-block test: a block of bytes that came shortly before comes again. A driver that repeats its last answer, or a
/// short read whose rest stayed zero, gives many different bytes and is still no noise.
///
/// A block is as long as its claimed entropy makes a good source repeat one with less than 2⁻³⁰; each is compared with
/// the 64 before it, so that whatever repeats itself after up to a kilobyte of whole blocks is found. Kept are fingerprints
/// only, no noise.
public struct StuckBlock: Sendable {
    /// Blocks that each one is compared with.
    public static let memory = 64
    /// Bytes of a block of good bytes, eight bits of entropy each.
    public static let unit = 16

    /// Bytes of a block.
    public let size: Int
    private var fingerprints = [UInt64](repeating: 0, count: memory)
    private var known = 0
    private var place = 0
    private var fingerprint = StuckBlock.start
    private var length = 0

    // FNV-1a, 64 bits: spreads well, and nobody gains by making two blocks alike here.
    private static let start: UInt64 = 0xcbf2_9ce4_8422_2325
    private static let prime: UInt64 = 0x0000_0100_0000_01b3

    /// `entropy` in bits per byte.
    public init(entropy: Double) {
        // 2⁻³⁰, for each of the 64 comparisons.
        let bits = Double(Cutoff.falseAlarmBits + StuckBlock.memory.trailingZeroBitCount)
        size = StuckBlock.unit * max(1, Int((bits / (entropy * Double(StuckBlock.unit))).rounded(.up)))
    }

    /// Takes the next bytes; returns the first failure among them. Blocks go on from one call to the next.
    public mutating func add(_ bytes: [UInt8]) -> HealthFailure? {
        for byte in bytes {
            fingerprint = (fingerprint ^ UInt64(byte)) &* StuckBlock.prime
            length += 1
            guard length == size else { continue }
            for other in 0..<known where fingerprints[other] == fingerprint { return .stuckBlock(size: size) }
            fingerprints[place] = fingerprint
            place = (place + 1) % StuckBlock.memory
            known = min(known + 1, StuckBlock.memory)
            fingerprint = StuckBlock.start
            length = 0
        }
        return nil
    }

    /// The next byte begins a block.
    public mutating func restart() {
        fingerprint = StuckBlock.start
        length = 0
    }

    /// What is wrong with bytes that shall be as good as random: a block of 16 that comes twice, or one value 16 times in a
    /// row, wherever. A good chunk of 1,024 bytes fails with 2⁻⁵³: its 2,016 pairs of blocks have fingerprints of 64 bits.
    public static func check(_ bytes: [UInt8]) -> HealthFailure? {
        var blocks = StuckBlock(entropy: 8)
        var runs = RepetitionCount(cutoff: unit)
        return runs.add(bytes) ?? blocks.add(bytes)
    }
}

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
    /// How many of the fingerprints begin with these twelve bits: most bytes need no further look.
    private var beginnings = [UInt8](repeating: 0, count: 1 << 12)
    /// The last bytes, a ring.
    private var last: [UInt8]
    private var state = State()
    /// What a byte weighs that leaves.
    private let leaving: UInt64

    private struct State {
        /// Of the last bytes.
        var fingerprint: UInt64 = 0
        /// Where the next byte goes in the ring, whose beginning is that of a block; and whether there is a block already.
        var at = 0
        var isFull = false
        /// Fingerprints that are remembered, and where the next one goes.
        var known = 0
        var place = 0
    }

    /// The tables, for a loop that looks at them with every byte: a sink does this with every chunk.
    private struct Tables {
        let fingerprints: UnsafeMutableBufferPointer<UInt64>
        let beginnings: UnsafeMutableBufferPointer<UInt8>
        let last: UnsafeMutableBufferPointer<UInt8>
    }

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
        var state = state
        let leaving = leaving
        let isGood = fingerprints.withUnsafeMutableBufferPointer { fingerprints in
            beginnings.withUnsafeMutableBufferPointer { beginnings in
                last.withUnsafeMutableBufferPointer { last in
                    StuckBlock.scan(
                        bytes, &state, leaving,
                        Tables(fingerprints: fingerprints, beginnings: beginnings, last: last))
                }
            }
        }
        self.state = state
        return isGood ? nil : .stuckBlock(size: size)
    }

    /// False at the first byte that is the last one of a block that is known.
    private static func scan(_ bytes: [UInt8], _ state: inout State, _ leaving: UInt64, _ tables: Tables) -> Bool {
        for byte in bytes {
            // A byte of zero has to count, too.
            let gone = state.isFull ? UInt64(tables.last[state.at]) &+ 1 : 0
            state.fingerprint = state.fingerprint &* factor &+ UInt64(byte) &+ 1 &- gone &* leaving
            tables.last[state.at] = byte
            state.at += 1
            let isEnd = state.at == tables.last.count
            if isEnd { (state.at, state.isFull) = (0, true) }
            guard state.isFull else { continue }
            if tables.beginnings[Int(state.fingerprint >> 52)] > 0,
                tables.fingerprints[..<state.known].contains(state.fingerprint)
            {
                return false
            }
            if isEnd { remember(&state, tables) }
        }
        return true
    }

    private static func remember(_ state: inout State, _ tables: Tables) {
        if state.known == memory {
            tables.beginnings[Int(tables.fingerprints[state.place] >> 52)] -= 1
        } else {
            state.known += 1
        }
        tables.fingerprints[state.place] = state.fingerprint
        tables.beginnings[Int(state.fingerprint >> 52)] += 1
        state.place = (state.place + 1) % memory
    }

    /// The next byte begins a block.
    public mutating func restart() { (state.fingerprint, state.at, state.isFull) = (0, 0, false) }

    /// What is wrong with bytes that shall be as good as random: 16 bytes that come again, or one value 16 times in a row,
    /// wherever. A good chunk of 1,024 bytes fails with 2⁻⁴⁹: each byte is compared with up to 64 fingerprints of 64 bits.
    public static func check(_ bytes: [UInt8]) -> HealthFailure? {
        var blocks = StuckBlock(entropy: 8)
        var runs = RepetitionCount(cutoff: unit)
        return runs.add(bytes) ?? blocks.add(bytes)
    }
}

import Foundation
import Support

/// Good bytes, the same ones in every run: SplitMix64.
struct GoodBytes {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func word() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    mutating func take(_ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: (count + 7) / 8 * 8) { memory, filled in
            for place in stride(from: 0, to: memory.count / 8 * 8, by: 8) where place < count {
                UnsafeMutableRawBufferPointer(memory).storeBytes(of: word(), toByteOffset: place, as: UInt64.self)
            }
            filled = count
        }
    }

    /// Bytes of a source with `bits` of entropy in each: 2^bits values, equally likely, spread over the byte.
    mutating func take(_ count: Int, bits: Int) -> [UInt8] {
        let mask = UInt8(truncatingIfNeeded: (1 << bits) - 1)
        return take(count).map { ($0 & mask) &* 37 }
    }

    /// A number below `limit`.
    mutating func number(below limit: Int) -> Int { Int(word() >> 33) % limit }
}

/// What the standard's cutoffs are, by a peer.
struct CutoffRow: Decodable {
    let entropy: Double
    let repetition, proportion: Int
    /// The probability that a window of good samples reaches `proportion`.
    let window: Double

    static func peer(_ falseAlarmBits: Int, _ entropies: [String]) throws -> [CutoffRow] {
        let script = packageRoot.appendingPathComponent("Tests/Peers/cutoffs.py").path
        let finished = try run(["/usr/bin/python3", script, String(falseAlarmBits)] + entropies)
        return try JSONDecoder().decode([CutoffRow].self, from: finished.output)
    }
}

let hasPython = haveTools("python3")

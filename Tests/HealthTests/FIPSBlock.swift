/// Blocks of 20,000 bits that keep to one of FIPS 140-2's bounds, or miss it by one, and are good otherwise.
enum FIPSBlock {
    static let bitCount = 20_000

    static func good(seed: UInt64) -> [UInt8] {
        var noise = GoodBytes(seed: seed)
        return noise.take(bitCount / 8)
    }

    static func bits(_ block: [UInt8]) -> [Bool] {
        block.flatMap { byte in (0..<8).map { byte & (128 >> UInt8($0)) != 0 } }
    }

    static func bytes(_ bits: [Bool]) -> [UInt8] {
        stride(from: 0, to: bits.count, by: 8).map { start in
            (0..<8).reduce(0) { $0 << 1 | (bits[start + $1] ? 1 : 0) }
        }
    }

    /// With so many ones.
    static func ones(_ wanted: Int) -> [UInt8] {
        var noise = GoodBytes(seed: 11)
        var bits = bits(good(seed: 12))
        var ones = bits.count(where: { $0 })
        while ones != wanted {
            let place = noise.number(below: bitCount)
            guard bits[place] == (ones > wanted) else { continue }
            bits[place].toggle()
            ones += bits[place] ? 1 : -1
        }
        return bytes(bits)
    }

    /// In which the squares of the numbers of times that each four bits occur have this sum, an even one.
    static func squares(_ wanted: Int) -> [UInt8] {
        var noise = GoodBytes(seed: 13)
        var fours = good(seed: 14).flatMap { [Int($0 >> 4), Int($0 & 15)] }
        var counts = [Int](repeating: 0, count: 16)
        for four in fours { counts[four] += 1 }
        var sum = counts.reduce(0) { $0 + $1 * $1 }
        while sum != wanted {
            let place = noise.number(below: fours.count)
            let (old, new) = (fours[place], noise.number(below: 16))
            guard old != new else { continue }
            let change = 2 * (counts[new] - counts[old] + 1)
            guard abs(sum + change - wanted) < abs(sum - wanted) else { continue }
            fours[place] = new
            counts[old] -= 1
            counts[new] += 1
            sum += change
        }
        return stride(from: 0, to: fours.count, by: 2).map { UInt8(fours[$0] << 4 | fours[$0 + 1]) }
    }

    /// With `count` runs of `bit` that have `length` bits; six means six and more.
    static func runs(_ count: Int, length: Int, bit: Int) -> [UInt8] {
        var noise = GoodBytes(seed: 15)
        var counts = [[Int]](repeating: [0, 2500, 1250, 625, 312, 156, 150], count: 2)
        let missing = counts[bit][length] - count
        counts[bit][length] = count
        // Both bits have as many runs, so what is missing comes of other lengths, within their bounds.
        counts[bit][length == 1 ? 2 : 1] += missing / 3
        counts[1 - bit][1] -= missing / 2
        counts[1 - bit][2] -= missing - missing / 3 - missing / 2
        var runs = counts.map { counts in (1...6).flatMap { [Int](repeating: $0, count: counts[$0]) } }
        // What is left of the block makes the runs of six longer, so that each bit has half of it, or what it needs.
        let needed = runs.map { $0.reduce(0, +) }
        let half = bitCount / 2
        let share = needed[0] > half ? needed[0] : needed[1] > half ? bitCount - needed[1] : half
        for (each, all) in [share, bitCount - share].enumerated() {
            var rest = all - needed[each]
            while rest > 0 {
                let place = runs[each].count - 1 - noise.number(below: counts[each][6])
                guard runs[each][place] < 25 else { continue }
                runs[each][place] += 1
                rest -= 1
            }
            for place in runs[each].indices.dropFirst() { runs[each].swapAt(place, noise.number(below: place + 1)) }
        }
        var bits: [Bool] = []
        while let zeros = runs[0].popLast(), let ones = runs[1].popLast() {
            bits += [Bool](repeating: false, count: zeros) + [Bool](repeating: true, count: ones)
        }
        precondition(bits.count == bitCount && runs.allSatisfy(\.isEmpty), "such a block cannot be made this way")
        return bytes(bits)
    }

    /// With a run of exactly so many equal bits from bit `start` on.
    static func longRun(_ length: Int, of bit: Bool, at start: Int) -> [UInt8] {
        var bits = bits(good(seed: 16))
        for place in start..<(start + length) { bits[place] = bit }
        if start > 0 { bits[start - 1] = !bit }
        if start + length < bits.count { bits[start + length] = !bit }
        return bytes(bits)
    }
}

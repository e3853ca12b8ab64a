import Health
import Testing

@Suite struct StuckBlockTests {
    /// Good bytes that repeat themselves.
    static func repeating(_ period: Int, _ count: Int) -> [UInt8] {
        var noise = GoodBytes(seed: UInt64(period))
        let once = noise.take(period)
        return (0..<count).map { once[$0 % period] }
    }

    @Test func everyPeriodIsFound() {
        for period in 16...1024 {
            let bytes = StuckBlockTests.repeating(period, period + 16)
            var blocks = StuckBlock(entropy: 8)
            #expect(blocks.add(Array(bytes.dropLast())) == nil, "period \(period)")
            #expect(blocks.add([bytes[bytes.count - 1]]) == .stuckBlock(size: 16), "period \(period)")
        }
        // The memory ends after a kilobyte, and what the last block lacks.
        var blocks = StuckBlock(entropy: 8)
        #expect(blocks.add(StuckBlockTests.repeating(1040, 4000)) == nil)
    }

    /// The memory is a ring: a block is found again in each of its places, and after up to 64 blocks.
    @Test func aBlockIsFoundAgainWhereverItIsKept() {
        var noise = GoodBytes(seed: 9)
        for before in 0...130 {
            for distance in [1, 63, 64, 65] {
                var blocks = StuckBlock(entropy: 8)
                let again = noise.take(16)
                #expect(blocks.add(noise.take(16 * before) + again + noise.take(16 * (distance - 1))) == nil)
                #expect(blocks.add(again) == (distance <= StuckBlock.memory ? .stuckBlock(size: 16) : nil))
            }
        }
    }

    @Test func aPeriodThatIsNoWholeBlockIsFound() {
        // 24 bytes twice are three blocks.
        #expect(StuckBlock.check(StuckBlockTests.repeating(24, 64)) == .stuckBlock(size: 16))
        #expect(StuckBlock.check(StuckBlockTests.repeating(17, 33)) == .stuckBlock(size: 16))
        // Four bytes, as from a register that hangs.
        #expect(StuckBlock.check(StuckBlockTests.repeating(4, 32)) == .stuckBlock(size: 16))
    }

    @Test func aChunkThatRepeatsItselfIsFound() {
        for period in stride(from: 16, through: 1008, by: 16) {
            #expect(
                StuckBlock.check(StuckBlockTests.repeating(period, 1024)) == .stuckBlock(size: 16), "period \(period)")
        }
    }

    @Test func blocksGoOnOverCalls() {
        let bytes = StuckBlockTests.repeating(48, 100)
        for size in [1, 5, 16, 17, 47] {
            var blocks = StuckBlock(entropy: 8)
            var failure: HealthFailure?
            for start in stride(from: 0, to: bytes.count, by: size) where failure == nil {
                failure = blocks.add(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(failure == .stuckBlock(size: 16))
        }
    }

    /// A read that gave fewer bytes than were asked for leaves the rest as it was made: zero.
    @Test func theRestOfAShortReadIsFound() {
        var noise = GoodBytes(seed: 1)
        let good = noise.take(1024).map { max(1, min(254, $0)) }
        for zeros in [16, 17, 31, 32, 33, 100, 256, 500, 512, 992, 1008, 1023, 1024] {
            for end in [1024, 1023, 1000, 777] where zeros <= end {
                var chunk = good
                for place in (end - zeros)..<end { chunk[place] = 0 }
                #expect(StuckBlock.check(chunk) == .repetition(count: 16), "\(zeros) zeros before \(end)")
            }
        }
        for offset in 0...64 {
            var chunk = good
            for place in offset..<(offset + 16) { chunk[place] = 255 }
            #expect(StuckBlock.check(chunk) == .repetition(count: 16))
            chunk[offset + 15] = 1
            #expect(StuckBlock.check(chunk) == nil)
        }
        var chunk = good
        for place in 1009..<1024 { chunk[place] = 0 }
        #expect(StuckBlock.check(chunk) == nil, "15 zeros are no proof")
    }

    @Test func goodChunksPass() {
        var noise = GoodBytes(seed: 2)
        for _ in 0..<1000 { #expect(StuckBlock.check(noise.take(1024)) == nil) }
        #expect(StuckBlock.check([]) == nil)
        #expect(StuckBlock.check([0]) == nil)
    }

    /// The less entropy is claimed, the longer a block has to be before its coming again proves anything.
    @Test func goodNoiseOfLittleEntropyPasses() {
        #expect(StuckBlock(entropy: 8).size == 16)
        #expect(StuckBlock(entropy: 4).size == 16)
        #expect(StuckBlock(entropy: 1).size == 48)
        #expect(StuckBlock(entropy: 0.1).size == 368)
        for bits in [1, 2, 4] {
            var noise = GoodBytes(seed: UInt64(bits))
            var blocks = StuckBlock(entropy: Double(bits))
            for _ in 0..<200 { #expect(blocks.add(noise.take(1000, bits: bits)) == nil) }
            // The same once more is not noise.
            let again = noise.take(blocks.size * 2, bits: bits)
            #expect(blocks.add(again + again) == .stuckBlock(size: blocks.size))
        }
    }

    @Test func aClaimTooHighIsFoundOut() {
        // One bit per byte in blocks of 16: 65,536 different ones, each compared with 64 others.
        var noise = GoodBytes(seed: 3)
        var blocks = StuckBlock(entropy: 8)
        #expect(blocks.add(noise.take(100_000, bits: 1)) == .stuckBlock(size: 16))
    }
}

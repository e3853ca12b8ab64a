import EntropyCrypto
import Platform
import Support
import Testing

@testable import Fortuna

/// Known answers of two other implementations of Fortuna.
struct FortunaVectors: Decodable {
    struct Digest: Decodable { let text, digest: String }
    struct Generator: Decodable { let name: String; let steps: [Step] }
    struct Step: Decodable {
        let reseedText, reseed, key, out, last100, refused: String?
        let counter: UInt64?
        let read, thenRead: Int?
    }
    struct Accumulator: Decodable {
        let name: String
        let pool0Shad256, keyAfterFirstReseed, read32, keyAfterRead, out1, out2, out3: String?
        let counterAfterRead: UInt64?
        let pools: [String: [Int]]?
    }
    struct Faulty: Decodable { let key: String }

    let shad256: [Digest]
    let generator: [Generator]
    let accumulator: [Accumulator]
    let mustNotMatch: Faulty

    static let all = Result { try Vectors.load("fortuna.json", as: FortunaVectors.self) }

    static func accumulator(_ name: String) throws -> Accumulator {
        try #require(try all.get().accumulator.first { $0.name == name })
    }
}

/// A clock that is turned by hand.
final class HandClock: @unchecked Sendable {
    var milliseconds: Int64 = 1000
    var clock: Clock { Clock(unixTime: { 0 }, milliseconds: { self.milliseconds }) }
}

func shad256(_ bytes: [UInt8]) -> [UInt8] {
    var hash = SecretHashes(count: 1)
    var digest = SecretBytes(count: 32)
    hash.update(0, bytes)
    hash.finishTwice(0, into: &digest)
    return digest.copyBytes()
}

@Suite struct KnownAnswerTests {
    @Test func shad256Digests() throws {
        for each in try FortunaVectors.all.get().shad256 {
            let text = each.text == "a repeated 1000000 times" ? String(repeating: "a", count: 1_000_000) : each.text
            #expect(hexadecimal(shad256(Array(text.utf8))) == each.digest)
        }
    }

    @Test(arguments: ["pycrypto", "seehuhn"]) func generators(_ name: String) throws {
        let vector = try #require(try FortunaVectors.all.get().generator.first { $0.name == name })
        var generator = Generator()
        for step in vector.steps {
            if let text = step.reseedText { generator.reseed(Array(text.utf8)) }
            if let seed = step.reseed { generator.reseed(hex(seed)) }
            if let key = step.key { #expect(hexadecimal(generator.state.key) == key) }
            if let counter = step.counter { #expect(generator.state.counter == counter) }
            guard let count = step.read else { continue }
            if step.refused != nil {
                #expect(throws: FortunaError.self) { try generator.read(count) }
                continue
            }
            let output = try generator.read(count)
            if let expected = step.out { #expect(hexadecimal(output) == expected) }
            if let more = step.thenRead { #expect(hexadecimal(try generator.read(more)) == step.last100) }
        }
    }

    @Test func aGeneratorThatHashesOnceIsAnother() throws {
        var generator = Generator()
        generator.reseed(Array("initial state".utf8))
        #expect(hexadecimal(generator.state.key) != (try FortunaVectors.all.get().mustNotMatch.key))
    }

    @Test func pycryptoAccumulator() throws {
        let vector = try FortunaVectors.accumulator("pycrypto-a1")
        let hand = HandClock()
        let accumulator = Accumulator(clock: hand.clock)
        let data = [UInt8](repeating: UInt8(ascii: "X"), count: 32)
        for pool in 0..<32 { accumulator.addEvent(source: 42, pool: pool, data: data) }
        #expect(throws: FortunaError.self) { try accumulator.read(32) }
        for pool in 0..<32 { accumulator.addEvent(source: 42, pool: pool, data: data) }
        var twice: [UInt8] = []
        for _ in 0..<2 { twice += [42, 32] + data }
        #expect(hexadecimal(shad256(twice)) == vector.pool0Shad256)
        // The key after the first reseed is seen before a request changes it.
        var generator = Generator()
        generator.reseed(shad256(twice))
        #expect(hexadecimal(generator.state.key) == vector.keyAfterFirstReseed)
        #expect(hexadecimal(try accumulator.read(32)) == vector.read32)
        #expect(hexadecimal(accumulator.generatorState.key) == vector.keyAfterRead)
        #expect(accumulator.generatorState.counter == vector.counterAfterRead)
    }

    @Test func sixtyFourBytesInPoolZeroSeed() throws {
        _ = try FortunaVectors.accumulator("pycrypto-a2")
        let accumulator = Accumulator(clock: HandClock().clock)
        let data = Array("XX".utf8)
        for pool in 0..<32 { for _ in 0..<15 { accumulator.addEvent(source: 2, pool: pool, data: data) } }
        #expect(!accumulator.canReseed)
        #expect(throws: FortunaError.self) { try accumulator.read(1) }
        accumulator.addEvent(source: 2, pool: 0, data: data)
        #expect(accumulator.canReseed)
        #expect(try accumulator.read(1).count == 1)
    }

    @Test func eachReseedUsesItsPools() throws {
        for (count, pools) in try #require(try FortunaVectors.accumulator("pools-used").pools) {
            #expect(Array(Accumulator.pools(usedBy: try #require(UInt64(count)))) == pools)
        }
        #expect(Accumulator.pools(usedBy: 1 << 31) == 0...31)
        #expect(Accumulator.pools(usedBy: 1 << 40) == 0...31)
    }

    @Test func seehuhnAccumulator() throws {
        let vector = try FortunaVectors.accumulator("seehuhn-a3")
        let hand = HandClock()
        let accumulator = Accumulator(clock: hand.clock, minimumPoolSize: 32)
        let zeros = [UInt8](repeating: 0, count: 32)
        func addZerosTwice() { for _ in 0..<2 { accumulator.addEvent(source: 0, pool: 0, data: zeros) } }
        addZerosTwice()
        for number in 0..<1000 { accumulator.addEvent(source: 1, pool: number % 32, data: [1, 2]) }
        #expect(hexadecimal(try accumulator.read(100)) == vector.out1)
        addZerosTwice()
        hand.milliseconds += 99
        #expect(hexadecimal(try accumulator.read(100)) == vector.out2)
        hand.milliseconds += 200
        #expect(hexadecimal(try accumulator.read(100)) == vector.out3)
    }
}

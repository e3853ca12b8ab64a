import Platform
import Support
import Testing

@testable import Fortuna

@Suite struct SeedFileTests {
    let directory: TemporaryDirectory
    let accumulator = Accumulator(clock: HandClock().clock)

    init() throws {
        directory = try TemporaryDirectory()
        for pool in 0..<32 {
            for _ in 0..<2 { accumulator.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
        }
    }

    func mix() throws(FortunaError) -> SeedFile.Found {
        try SeedFile(directory.file("seed"), identity: [1, 2]).mix(into: accumulator, warn: { _ in })
    }

    @Test func aNewOneIsWritten() throws {
        guard case .nothing = try mix() else { throw FortunaError.notSeeded }
        #expect(try directory.read("seed").count == 64)
        #expect(try directory.mode("seed") == 0o600)
    }

    @Test func aSeedIsUsedOnce() throws {
        let old = [UInt8](repeating: 9, count: 64)
        try directory.write("seed", old)
        guard case .foreignSeed = try mix() else { throw FortunaError.notSeeded }
        #expect(try directory.read("seed") != old)
        #expect(try directory.read("seed").count == 64)
    }

    @Test func aMachineKnowsItsOwn() throws {
        _ = try mix()
        guard case .seed = try mix() else { throw FortunaError.notSeeded }
        // One bit, in what is random and in what marks it; and the same file on another board.
        let own = try directory.read("seed")
        for place in [0, 55, 56, 63] {
            var other = own
            other[place] ^= 1
            try directory.write("seed", other)
            guard case .foreignSeed = try mix() else { throw FortunaError.notSeeded }
        }
        try directory.write("seed", own)
        let board = SeedFile(directory.file("seed"), identity: [1, 3])
        guard case .foreignSeed = try board.mix(into: accumulator, warn: { _ in }) else { throw FortunaError.notSeeded }
    }

    /// Two boards with the same card, the same noise and the same clock go ways of their own.
    @Test func copiesOfACardPart() throws {
        var outputs: [[UInt8]] = []
        for identity in [[1], [2], [2]] as [[UInt8]] {
            let accumulator = Accumulator(clock: HandClock().clock)
            for pool in 0..<32 {
                for _ in 0..<2 { accumulator.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
            }
            try directory.write("seed", [UInt8](repeating: 9, count: 64))
            _ = try SeedFile(directory.file("seed"), identity: identity).mix(into: accumulator, warn: { _ in })
            outputs.append(try accumulator.read(32))
        }
        #expect(outputs[0] != outputs[1] && outputs[1] == outputs[2])
    }

    @Test func theSeedChangesTheOutput() throws {
        let other = Accumulator(clock: HandClock().clock)
        for pool in 0..<32 {
            for _ in 0..<2 { other.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
        }
        try directory.write("seed", [UInt8](repeating: 9, count: 64))
        _ = try mix()
        _ = try other.read(56)  // as much as the new seed took
        #expect(try accumulator.read(32) != other.read(32))
    }

    @Test func anEmptyOneIsReplaced() throws {
        try directory.write("seed", [])
        guard case .nothing = try mix() else { throw FortunaError.notSeeded }
        #expect(try directory.read("seed").count == 64)
    }

    @Test(arguments: [1, 63, 65, 4096]) func anotherFileIsLeftAlone(_ size: Int) throws {
        let bytes = [UInt8](repeating: 3, count: size)
        try directory.write("seed", bytes)
        let error = #expect(throws: FortunaError.self) { try mix() }
        #expect(error?.exitCode == .badInput)
        #expect(try directory.read("seed") == bytes)
    }

    @Test func aSeedThatCannotBeReplacedIsNotUsed() throws {
        let missing = SeedFile(directory.file("missing/seed"), identity: [])
        let error = #expect(throws: FortunaError.self) { try missing.mix(into: accumulator, warn: { _ in }) }
        #expect(error?.exitCode != .done)
    }

    @Test func nothingIsGivenBeforeThePoolsAreFull() throws {
        let empty = Accumulator(clock: HandClock().clock)
        try directory.write("seed", [UInt8](repeating: 9, count: 64))
        // A seed alone does not seed, and stays for the next try.
        #expect(throws: FortunaError.self) {
            try SeedFile(directory.file("seed"), identity: [1, 2]).mix(into: empty, warn: { _ in })
        }
        #expect(try directory.read("seed") == [UInt8](repeating: 9, count: 64))
    }
}

import EntropyCrypto
import Foundation
import Support
import Testing

@testable import Fortuna

/// What becomes of the generator's state: in a copy of the process, and in memory once it is used up.
@Suite(.serialized) struct GeneratorStateTests {
    func seeded() -> Accumulator {
        let accumulator = Accumulator(clock: HandClock().clock)
        for pool in 0..<32 {
            for _ in 0..<2 { accumulator.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
        }
        return accumulator
    }

    @Test func theSelfTestPasses() throws { try SelfTest.run() }

    /// Every copy of the key that was used up is searched for in all memory that may be written, masked, so that the search
    /// does not find itself. The key in force is found: the search works.
    @Test(.disabled(if: Build.isSanitized, "a sanitizer's shadow is terabytes of memory to search"))
    func aKeyIsErasedAfterEachRequest() throws {
        let accumulator = seeded()
        _ = try accumulator.read(1)
        let first = Masked(accumulator)
        #expect(try first.copies() == 1)
        _ = try accumulator.read(1024)
        let second = Masked(accumulator)
        #expect(try first.copies() == 0)
        #expect(try second.copies() == 1)
        // A reseed replaces it, too.
        for pool in 0..<32 { accumulator.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
        for pool in 0..<32 { accumulator.addEvent(source: 0, pool: pool, data: [UInt8](repeating: 7, count: 32)) }
        _ = try accumulator.read(1)
        #expect(try second.copies() == 0)
    }

    /// The generator's key, not readable as it is.
    struct Masked {
        let bytes: [UInt8]
        static let mask: UInt8 = 0x5a

        init(_ accumulator: Accumulator) {
            var key = accumulator.generatorState.key
            bytes = key.map { $0 ^ Masked.mask }
            wipe(&key)
        }

        /// How often it is in this process's memory.
        func copies() throws -> Int {
            let memory = try FileHandle(forReadingFrom: URL(fileURLWithPath: "/proc/self/mem"))
            let maps = String(decoding: try Data(contentsOfKernelFile: "/proc/self/maps"), as: UTF8.self)
            var found = 0
            for line in maps.split(separator: "\n") where line.contains(" rw") && !line.contains("[vvar") {
                let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
                var offset = range[0]
                // Two bytes less than a step overlap, so that nothing hides on a border.
                while offset < range[1] {
                    let size = min(1 << 20, range[1] - offset)
                    guard lseek(memory.fileDescriptor, off_t(offset), SEEK_SET) >= 0 else { break }
                    var block = [UInt8](repeating: 0, count: Int(size))
                    let count = read(memory.fileDescriptor, &block, block.count)
                    if count > 0 { found += occurrences(block[..<count]) }
                    memset(&block, 0, block.count)
                    offset += size == 1 << 20 ? size - 64 : size
                }
            }
            return found
        }

        private func occurrences(_ block: ArraySlice<UInt8>) -> Int {
            block.withUnsafeBufferPointer { block in
                var found = 0
                var place = 0
                while place + bytes.count <= block.count {
                    guard
                        let next = memchr(
                            block.baseAddress! + place, Int32(bytes[0] ^ Masked.mask), block.count - place)
                    else { break }
                    place = UnsafeRawPointer(next) - UnsafeRawPointer(block.baseAddress!)
                    guard place + bytes.count <= block.count else { break }
                    if bytes.indices.allSatisfy({ block[place + $0] == bytes[$0] ^ Masked.mask }) { found += 1 }
                    place += 1
                }
                return found
            }
        }
    }

    @Test func aCopyOfTheProcessGetsNothing() throws {
        // Swift does not lend fork(2): a process with threads should not. This copy does nothing but ask and end.
        let symbol = try #require(dlsym(UnsafeMutableRawPointer(bitPattern: 0), "fork"))
        let fork = unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)
        let accumulator = seeded()
        let before = try accumulator.read(32)
        let child = fork()
        if child == 0 {
            do throws(FortunaError) {
                _ = try accumulator.read(32)
                _exit(1)
            } catch {
                if case .forked = error { _exit(42) }
                _exit(2)
            }
        }
        var status: Int32 = 0
        #expect(waitpid(child, &status, 0) == child)
        #expect((status >> 8) & 0xff == 42)
        #expect(try accumulator.read(32) != before)
    }
}

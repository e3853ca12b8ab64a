import Health
import Testing

/// The two continuous tests, against the standard's own steps, one sample at a time.
@Suite struct ContinuousTests {
    /// SP 800-90B, 4.4.1, its steps 1 to 5: places of the samples that signal a failure.
    static func repetitionByTheStandard(_ samples: [UInt8], cutoff: Int) -> [Int] {
        var failures: [Int] = []
        var a = samples[0]
        var b = 1
        for (place, x) in samples.enumerated().dropFirst() {
            if x == a {
                b += 1
                if b >= cutoff { failures.append(place) }
            } else {
                a = x
                b = 1
            }
        }
        return failures
    }

    /// SP 800-90B, 4.4.2, its steps 1 to 4: the place of the first sample that signals a failure.
    static func proportionByTheStandard(_ samples: [UInt8], cutoff: Int) -> Int? {
        for start in stride(from: 0, to: samples.count, by: 512) {
            let a = samples[start]
            var b = 1
            for place in (start + 1)..<max(start + 1, min(start + 512, samples.count)) where samples[place] == a {
                b += 1
                if b >= cutoff { return place }
            }
        }
        return nil
    }

    @Test(arguments: [2, 3, 5, 16, 31, 301]) func repetitionsTripAtTheCutoffAndNotBefore(_ cutoff: Int) {
        for value in [UInt8(0), 7, 255] {
            var test = RepetitionCount(cutoff: cutoff)
            #expect(test.add([UInt8](repeating: value, count: cutoff - 1)) == nil)
            #expect(test.add([value]) == .repetition(count: cutoff))
            // Another value in between, and nothing is in a row.
            test = RepetitionCount(cutoff: cutoff)
            #expect(test.add([UInt8](repeating: value, count: cutoff - 1) + [value ^ 1]) == nil)
            #expect(test.add([UInt8](repeating: value, count: cutoff - 1)) == nil)
            #expect(test.add([]) == nil)
            #expect(test.add([value]) == .repetition(count: cutoff))
        }
    }

    @Test(arguments: [2, 3, 6]) func repetitionsAreThoseOfTheStandard(_ cutoff: Int) {
        var noise = GoodBytes(seed: UInt64(cutoff))
        for bits in [1, 2] {
            let samples = noise.take(2000, bits: bits)
            var test = RepetitionCount(cutoff: cutoff)
            let found = samples.indices.filter { test.add([samples[$0]]) != nil }
            #expect(found == ContinuousTests.repetitionByTheStandard(samples, cutoff: cutoff))
            #expect(!found.isEmpty)
        }
    }

    /// A window of `equal` samples that are as its first one, the others all different from it, spread evenly.
    static func window(equal: Int, first: UInt8 = 42) -> [UInt8] {
        var samples = (0..<512).map { UInt8($0 % 42) }
        for number in 0..<equal { samples[number * 512 / equal] = first }
        return samples
    }

    @Test(arguments: [2, 16, 71, 325, 512]) func proportionsTripAtTheCutoffAndNotBefore(_ cutoff: Int) {
        var test = AdaptiveProportion(cutoff: cutoff)
        #expect(test.add(ContinuousTests.window(equal: cutoff - 1)) == nil)
        #expect(test.add(ContinuousTests.window(equal: cutoff)) == .proportion(count: cutoff))
    }

    @Test func aWindowCountsOnlyItsOwnSamples() {
        // 15 in the end of one window and 15 in the next are not 30 of one.
        let first = [42] + [UInt8](repeating: 1, count: 497) + [UInt8](repeating: 42, count: 14)
        let second = [UInt8](repeating: 42, count: 15) + [UInt8](repeating: 1, count: 497)
        var test = AdaptiveProportion(cutoff: 16)
        #expect(test.add(first + second) == nil)
        // Only the first sample's value counts, however often another one comes.
        #expect(test.add([42] + [UInt8](repeating: 1, count: 511)) == nil)
        // From elsewhere on, and the same bytes are another window.
        test = AdaptiveProportion(cutoff: 16)
        #expect(test.add(Array((first + second).dropFirst(498))) == .proportion(count: 16))
    }

    @Test(arguments: [1, 7, 511, 512, 513, 4096]) func proportionsAreThoseOfTheStandard(inCallsOf size: Int) {
        var noise = GoodBytes(seed: 3)
        var tripped = 0
        for _ in 0..<12 {
            let samples = noise.take(4096, bits: 2)
            let expected = ContinuousTests.proportionByTheStandard(samples, cutoff: 146)
            var test = AdaptiveProportion(cutoff: 146)
            var found: Int?
            for start in stride(from: 0, to: samples.count, by: size) {
                let end = min(start + size, samples.count)
                guard test.add(Array(samples[start..<end])) != nil else { continue }
                found = start / size
                break
            }
            #expect(found == expected.map { $0 / size })
            if found != nil { tripped += 1 }
        }
        #expect((2...11).contains(tripped))
    }
}

import Foundation
import Health
import Support
import Testing

@Suite struct MinEntropyTests {
    struct Estimates: Decodable { let mostCommonValue, markov: Double }

    enum Data: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case good, fewValues, biased, sticky, flipping, constant, ones, alternating, otherBytes, twoBytes, sameTwoBytes
        case endsWithItsOnlyOne

        var testDescription: String { rawValue }

        var bytes: [UInt8] {
            var noise = GoodBytes(seed: 77)
            switch self {
            case .good: return noise.take(20000)
            case .fewValues: return noise.take(20000, bits: 3)
            case .biased: return bits(4000) { _ in noise.number(below: 100) < 60 }
            // A Markov chain: a bit is as the one before it in nine of ten cases, or in one of ten.
            case .sticky: return bits(4000) { $0 == (noise.number(below: 10) > 0) }
            case .flipping: return bits(4000) { $0 == (noise.number(below: 10) == 0) }
            case .constant: return [UInt8](repeating: 0, count: 1000)
            case .ones: return [UInt8](repeating: 255, count: 1000)
            case .alternating: return [UInt8](repeating: 0xaa, count: 1000)
            case .otherBytes: return (0..<1000).map { $0 % 2 == 0 ? 0 : 255 }
            case .twoBytes: return [0x12, 0xf0]
            case .sameTwoBytes: return [7, 7]
            case .endsWithItsOnlyOne: return [UInt8](repeating: 0, count: 99) + [1]
            }
        }

        private func bits(_ count: Int, _ next: (Bool) -> Bool) -> [UInt8] {
            var last = false
            return (0..<count).map { _ in
                (0..<8).reduce(0) { byte, _ in
                    last = next(last)
                    return byte << 1 | (last ? 1 : 0)
                }
            }
        }
    }

    @Test(.enabled(if: hasPython, "python3 is not installed"), arguments: Data.allCases)
    func areThoseOfTheStandard(_ data: Data) throws {
        let bytes = data.bytes
        let script = packageRoot.appendingPathComponent("Tests/Peers/min_entropy.py").path
        let finished = try run(["/usr/bin/python3", script], input: Foundation.Data(bytes))
        let peer = try JSONDecoder().decode(Estimates.self, from: finished.output)
        var whole = MinEntropy()
        whole.add(bytes)
        var parts = MinEntropy()
        for start in stride(from: 0, to: bytes.count, by: 333) {
            parts.add(Array(bytes[start..<min(start + 333, bytes.count)]))
        }
        for ours in [whole, parts] {
            #expect(ours.count == bytes.count)
            #expect(abs(ours.mostCommonValue - peer.mostCommonValue) < 1e-9)
            #expect(abs(ours.markov - peer.markov) < 1e-9)
        }
    }

    /// What the sources of the peer's comparison are for: each estimate sees what it is meant to see.
    @Test func whatEachOneSees() {
        func estimates(_ data: Data) -> (mostCommonValue: Double, markov: Double) {
            var estimates = MinEntropy()
            estimates.add(data.bytes)
            return (estimates.mostCommonValue, estimates.markov)
        }
        #expect(estimates(.good).mostCommonValue > 7)
        #expect(estimates(.good).markov > 7.7)
        #expect((2.8...3).contains(estimates(.fewValues).mostCommonValue))
        // -8 log2 0.6, and of a step with nine in ten.
        #expect(abs(estimates(.biased).markov - 5.9) < 0.2)
        #expect(abs(estimates(.sticky).markov - 1.22) < 0.2)
        #expect(abs(estimates(.flipping).markov - 1.22) < 0.2)
        for data in [Data.constant, .ones, .alternating] {
            #expect(estimates(data).mostCommonValue == 0)
            #expect(estimates(data).markov < 0.1)
        }
    }

    @Test(arguments: [[], [0], [255]] as [[UInt8]]) func fewerThanTwoBytesHaveNone(_ bytes: [UInt8]) {
        var estimates = MinEntropy()
        estimates.add(bytes)
        #expect(estimates.count == bytes.count)
        #expect(estimates.mostCommonValue == 0)
        #expect(estimates.markov == 0)
    }
}

import EntropyCrypto
import EntropyPacket
import Support
import Testing

@testable import EntropySink

/// Chunks of known signers that are no entropy.
extension ReceiverTests {
    @Test(arguments: brokenChunks.indices) func aBrokenChunkIsNotMixedAndItsCounterIsSpent(_ place: Int) throws {
        let (name, chunk) = brokenChunks[place]
        let time = HandClock()
        let receiver = try receiver(time: time)
        let broken = try sealed(counter: 6, chunk: chunk)
        #expect(burst(receiver, [broken]) == [Receipt(status: .notMixed, counter: 6, time: 1000)], "\(name)")
        #expect(try poolSize == 0 && storedCounter() == 6)
        let label = try String(ReceiverTests.signer.get().publicKey.fingerprint.prefix(8))
        let line = try #require(time.lines.first)
        #expect(line.contains("packet 6 of signer \(label) not mixed: its chunk is no entropy, "))
        #expect(line.contains(name.hasPrefix("zeros") || name == "ones" ? "repetition count test" : "stuck-block test"))
        // It is spent: whoever recorded it has no use for it, and the next good one is mixed.
        #expect(burst(receiver, [broken]) == [Receipt(status: .counterRegressed, counter: 6, time: 1000)])
        #expect(try burst(receiver, [sealed(counter: 7)]).first??.status == .mixed)
        #expect(try directory.read("pool") == goodChunk(7))
    }

    @Test func inABurstOnlyTheBrokenOnesAreLeftOut() throws {
        let receiver = try receiver()
        let zeros = [UInt8](repeating: 0, count: 1024)
        let packets = try [
            sealed(counter: 6), sealed(counter: 7, chunk: zeros), sealed(counter: 8), sealed(counter: 9, chunk: zeros),
        ]
        #expect(burst(receiver, packets).map { $0?.status } == [.mixed, .notMixed, .mixed, .notMixed])
        #expect(try directory.read("pool") == goodChunk(6) + goodChunk(8))
        #expect(try storedCounter() == 9)
    }

    /// Fewer zeros than a block are what good bytes could have, too.
    @Test func zerosThatChanceCouldMakeAreMixed() throws {
        let receiver = try receiver()
        let chunk = goodChunk().prefix(1009) + [UInt8](repeating: 0, count: 15)
        #expect(try burst(receiver, [sealed(counter: 6, chunk: Array(chunk))]).first??.status == .mixed)
    }

    @Test func aFloodOfThemIsALineAMinute() throws {
        let time = HandClock()
        let receiver = try receiver(["Drift": Int64.max], time: time)
        let zeros = [UInt8](repeating: 0, count: 1024)
        for counter in 6...20 as ClosedRange<Int64> {
            _ = try burst(receiver, [sealed(counter: counter, chunk: zeros)])
        }
        #expect(time.lines.count == 1)
        #expect(try storedCounter() == 20)
        time.pass(59)
        time.log.flush()
        #expect(time.lines.count == 1)
        time.pass(1)
        time.log.flush()
        #expect(time.lines.count == 2)
        #expect(try #require(time.lines.last).hasSuffix(" (held back: 13 more of this signer)"))
        #expect(try #require(time.lines.last).contains("packet 20 of signer"))
    }
}

@Suite struct SignerLimiterTests {
    @Test func theFirstIsSaidAtOnceAndTheRestCounted() {
        var limiter = SignerLimiter()
        #expect(limiter.admit("a", "1", now: 5) == "1")
        for number in 2...600 { #expect(limiter.admit("a", "\(number)", now: Int64(number) * 99) == nil) }
        // Nobody's flood takes another one's line.
        #expect(limiter.admit("b", "b", now: 59_000) == "b")
        #expect(limiter.flush(now: 60_004) == [])
        #expect(limiter.flush(now: 60_005) == ["600 (held back: 598 more of this signer)"])
        #expect(limiter.admit("a", "601", now: 60_006) == nil)
        #expect(limiter.admit("a", "602", now: 120_005) == "602 (held back: 1 more of this signer)")
        #expect(limiter.flush(now: 500_000) == [])
        #expect(limiter.admit("a", "603", now: 500_001) == "603")
        #expect(limiter.admit("a", "604", now: 500_002) == nil)
        #expect(limiter.flush(now: 600_000) == ["604"])
    }
}

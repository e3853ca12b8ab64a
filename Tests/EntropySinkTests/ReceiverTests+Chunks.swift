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
        let packet = try #require(time.lines.first?.packets.first)
        #expect(packet.counter == 6 && packet.signer == label && packet.fate == .notMixed, "\(packet.line)")
        // Which test it was that tripped.
        let test = name.hasPrefix("zeros") || name == "ones" ? "repetition count test" : "stuck-block test"
        #expect(packet.line.contains(test), "\(packet.line)")
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
        let last = try #require(time.lines.last)
        #expect(last.names("13") && last.packets.first?.counter == 20, "\(last)")
    }
}

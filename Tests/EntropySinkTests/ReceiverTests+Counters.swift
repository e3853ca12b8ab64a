import EntropyCrypto
import EntropyPacket
import EntropyState
import Foundation
import Support
import Testing

@testable import EntropySink

/// Counters that are lost, unknown, or far away.
extension ReceiverTests {
    /// What an operator, a backup or a clean-up can do to the file of a running sink.
    enum Damage: CaseIterable {
        case removed, emptied, withoutContents, withoutSigner, olderCopy
    }

    private func stored(_ signer: SoftwareSigner) throws -> Int64? {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read("state.json"))) as? [String: Any]
        let key = Data(signer.publicKey.pkix).base64EncodedString()
        let entry = (parsed?["Signer"] as? [[String: Any]])?.first { $0["Key"] as? String == key }
        return (entry?["Counter"] as? NSNumber)?.int64Value
    }

    @Test(arguments: Damage.allCases) func aFileOfCountersThatIsLostIsWrittenAgain(_ damage: Damage) throws {
        let (first, second) = (try ReceiverTests.signer.get(), try SoftwareSigner(generating: .ecdsaP256))
        let list = [first, second].map {
            ["Key": Data($0.publicKey.pkix).base64EncodedString(), "Counter": 5] as [String: Any]
        }
        let time = HandClock()
        let receiver = try receiver(["Signer": list, "Counter": NSNull(), "State": "state.json"], time: time)
        func status(_ counter: Int64, _ signer: SoftwareSigner) throws -> Receipt.Status? {
            try receive(receiver, counter: counter, recipient: sink.publicKey, by: signer)?.status
        }
        #expect(try status(6, first) == .mixed)
        let copy = try directory.read("state.json")
        #expect(try status(7, first) == .mixed && status(20, second) == .mixed)
        switch damage {
        case .removed: try directory.remove("state.json")
        case .emptied: try directory.write("state.json", "{}")
        case .withoutContents: try directory.write("state.json", "")
        case .withoutSigner:
            let key = Data(second.publicKey.pkix).base64EncodedString()
            try directory.write("state.json", "{\"Signer\": [{\"Key\": \"\(key)\", \"Counter\": 20}]}")
        case .olderCopy: try directory.write("state.json", copy)
        }
        let said = time.lines.count { $0.contains("state.json: ") }
        // A recording is one still; what is fresh is mixed.
        #expect(try status(7, first) == .counterRegressed)
        let round = try burst(
            receiver, [sealed(counter: 8), sealed(counter: 8), sealed(counter: 10), sealed(counter: 9)])
        #expect(round.map { $0?.status } == [.mixed, .counterRegressed, .mixed, .counterRegressed])
        #expect(round.map { $0?.counter } == [10, 10, 10, 10])
        #expect(try stored(first) == 10 && stored(second) == 20)
        #expect(try status(20, second) == .counterRegressed && status(21, second) == .mixed)
        #expect(time.lines.count { $0.contains("state.json: ") } == said + 1)
        #expect(try poolSize == 6 * 1024)
    }

    /// It may have sent packets before, of which a recording is as good as new.
    @Test func whileNoCounterIsKnownNothingFromBeforeTheStartIsMixed() throws {
        let time = HandClock()
        let receiver = try receiver(["Counter": 0], time: time)
        #expect(time.lines.count == 1)
        func receipt(_ counter: Int64, _ timestamp: Int64) throws -> Receipt? {
            try receive(receiver, counter: counter, timestamp: timestamp, recipient: sink.publicKey)
        }
        // The status that has a source try again with a new packet.
        #expect(try receipt(7, 999) == Receipt(status: .timestampOutsideDrift, counter: 0, time: 1000))
        time.pass(60)
        #expect(try receipt(8, 999)?.status == .timestampOutsideDrift)
        #expect(try poolSize == 0 && storedCounter() == 0)
        #expect(try receipt(9, 1000)?.status == .mixed)
        // Known now: drift and counter say the rest.
        #expect(try receipt(10, 990)?.status == .mixed)
        #expect(try receipt(9, 1000)?.status == .counterRegressed)
    }

    @Test func aCounterOfAnotherFileIsNoneOfAStateThatIsLost() throws {
        let receiver = try receiver(["State": "state.json"])
        #expect(try receive(receiver, timestamp: 999, recipient: sink.publicKey)?.status == .timestampOutsideDrift)
        #expect(try receive(receiver, recipient: sink.publicKey)?.status == .mixed)
    }

    /// The wall clock is set after the start, as it is on a machine without a battery.
    @Test(arguments: [10, 100_000] as [Int64]) func theStartIsKnownByTheClockOfNow(_ unix: Int64) throws {
        let time = HandClock(unix: unix)
        let receiver = try receiver(["Counter": 0], time: time)
        time.pass(30)
        time.set(5000)
        func status(_ counter: Int64, _ timestamp: Int64) throws -> Receipt.Status? {
            try receive(receiver, counter: counter, timestamp: timestamp, recipient: sink.publicKey)?.status
        }
        #expect(try status(6, 4969) == .timestampOutsideDrift)
        #expect(try status(6, 4970) == .mixed)
    }

    @Test func aCounterDoesNotJump() throws {
        let jump: Int64 = 1 << 40
        let bounded = try receiver()
        func status(_ receiver: Receiver, _ counter: Int64) throws -> Receipt? {
            try receive(receiver, counter: counter, recipient: sink.publicKey)
        }
        for counter in [.max, .max - 1, 5 + jump + 1] as [Int64] {
            #expect(try status(bounded, counter) == Receipt(status: .counterRegressed, counter: 5, time: 1000))
        }
        #expect(try status(bounded, 5 + jump)?.status == .mixed)
        // The last one of all takes more than to be near.
        let near = try receiver(["Counter": Int64.max - 2])
        #expect(try status(near, .max)?.status == .counterRegressed)
        #expect(try status(near, .max - 1)?.status == .mixed)
        let allowed = try receiver(["CounterJump": Int64.max])
        #expect(try status(allowed, .max)?.status == .mixed)
        let small = try receiver(["CounterJump": 1])
        // Within a round each is seen from the one before.
        #expect(
            try burst(small, [sealed(counter: 7), sealed(counter: 6), sealed(counter: 7)]).map { $0?.status }
                == [.counterRegressed, .mixed, .mixed])
    }
}

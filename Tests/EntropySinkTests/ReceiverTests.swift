import EntropyCrypto
import EntropyPacket
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import EntropySink

/// A sink's judgement of packets, with the clock in hand.
@Suite struct ReceiverTests {
    // Made once; a test takes turns with no other on one signature.
    nonisolated(unsafe) static let signer = Result { try SoftwareSigner(generating: .ecdsaP256) }

    let directory: TemporaryDirectory
    let sink = BoxPrivateKey()

    init() throws { directory = try TemporaryDirectory() }

    func receiver(_ changes: [String: Any] = [:], time: HandClock = HandClock()) throws -> Receiver {
        var fields: [String: Any] = [
            "Address": ":0", "Drift": 120, "Counter": 5, "Private": Data(sink.copyBytes()).base64EncodedString(),
            "Signer": Data(try ReceiverTests.signer.get().publicKey.pkix).base64EncodedString(),
        ]
        for (name, value) in changes { fields[name] = value }
        try directory.write("config.json", Array(JSONSerialization.data(withJSONObject: fields)))
        try directory.write("pool", "")
        return Receiver(
            try SinkConfiguration(reading: directory.file("config.json"), warn: { _ in }), key: sink,
            pool: try EntropyDevice(directory.file("pool")), clock: time.clock, log: time.log)
    }

    /// Hands a packet over and opens the receipt.
    func receive(
        _ receiver: Receiver, counter: Int64 = 6, timestamp: Int64 = 1000, recipient: BoxPublicKey?,
        by signer: SoftwareSigner? = nil
    ) throws -> Receipt? {
        let packet = try Packet(
            timestamp: timestamp, counter: counter, chunk: goodChunk(counter),
            recipient: recipient.map { Recipient($0) })
        let message = packet.encode()
        let signed = SignedMessage(
            message: message, signature: try (signer ?? ReceiverTests.signer.get()).sign(message))
        let sealed = try Envelope.seal(signed, to: sink.publicKey)
        guard let frame = answer(receiver, sealed.bytes) else { return nil }
        return Receipt(opening: Array(frame.dropFirst(2)), with: sealed.sharedKey)
    }

    /// A sealed packet, and the key for its receipt.
    func sealed(
        counter: Int64, timestamp: Int64 = 1000, chunk: [UInt8]? = nil, by signer: SoftwareSigner? = nil
    ) throws -> Envelope.Sealed {
        let message = try Packet(
            timestamp: timestamp, counter: counter, chunk: chunk ?? goodChunk(counter),
            recipient: Recipient(sink.publicKey)
        ).encode()
        let signature = try (signer ?? ReceiverTests.signer.get()).sign(message)
        return try Envelope.seal(SignedMessage(message: message, signature: signature), to: sink.publicKey)
    }

    /// Packets that come in one burst, and what each of them is answered.
    func burst(_ receiver: Receiver, _ packets: [Envelope.Sealed]) -> [Receipt?] {
        let answers = receiver.judge(packets.map { opened(receiver, $0.bytes) })
        return zip(answers, packets).map { answer, packet in
            answer.receipt.flatMap { Receipt(opening: Array($0.dropFirst(2)), with: packet.sharedKey) }
        }
    }

    @Test func aBurstSharesOneWriteAndEachHasItsAnswer() throws {
        let receiver = try receiver()
        let stranger = try SoftwareSigner(generating: .ecdsaP256)
        let packets = try [
            sealed(counter: 6), sealed(counter: 9), sealed(counter: 8), sealed(counter: 10, by: stranger),
            sealed(counter: 11, timestamp: 5), sealed(counter: 12), sealed(counter: 12),
        ]
        let statuses = burst(receiver, packets).map { $0?.status }
        #expect(
            statuses == [.mixed, .mixed, .counterRegressed, nil, .timestampOutsideDrift, .mixed, .counterRegressed])
        #expect(try storedCounter() == 12)
        #expect(try directory.read("pool") == goodChunk(6) + goodChunk(9) + goodChunk(12))
    }

    @Test func ofABurstOnlyThatIsMixedWhichIsAboveTheFile() throws {
        let receiver = try receiver()
        try directory.write(
            "config.json",
            directory.text("config.json").replacingOccurrences(of: "\"Counter\":5", with: "\"Counter\":7"))
        let receipts = try burst(receiver, [sealed(counter: 6), sealed(counter: 7), sealed(counter: 8)])
        #expect(receipts.map { $0?.status } == [.counterRegressed, .counterRegressed, .mixed])
        #expect(receipts.map { $0?.counter } == [8, 8, 8])
        #expect(try storedCounter() == 8)
        #expect(try poolSize == 1024)
        // Nor any of it where nothing can be stored, now or later.
        try directory.write("config.json", "broken")
        let lost = try [sealed(counter: 9), sealed(counter: 10)]
        #expect(burst(receiver, lost).map { $0?.status } == [.notMixed, .notMixed])
        #expect(burst(receiver, lost).map { $0?.status } == [.counterRegressed, .counterRegressed])
        #expect(try poolSize == 1024)
    }

    /// What one packet alone is answered.
    func answer(_ receiver: Receiver, _ bytes: [UInt8]) -> [UInt8]? {
        receiver.judge([opened(receiver, bytes)])[0].receipt
    }

    func opened(_ receiver: Receiver, _ bytes: [UInt8]) -> Opener.Opened {
        receiver.opener.open(Receiver.Arrival(bytes: bytes, peer: Peer(nil)))
    }

    /// While a packet waits for its judgement the sink is told of a new key, or of another signer.
    @Test func whatWasOpenedByAnOldConfigurationIsOpenedAnew() throws {
        let receiver = try receiver()
        let packet = try sealed(counter: 6)
        let waiting = opened(receiver, packet.bytes)
        #expect(waiting.content != nil)
        let stranger = try SoftwareSigner(generating: .ecdsaP256)
        let other = try SinkConfiguration(
            reading: directory.file("config.json"), warn: { _ in })
        try receiver.configure(other, key: BoxPrivateKey())
        #expect(receiver.judge([waiting])[0].receipt == nil)
        try receiver.configure(other, key: sink)
        let signed = try sealed(counter: 7, by: stranger)
        let unknown = opened(receiver, signed.bytes)
        #expect(unknown.content == nil)
        try directory.write(
            "config.json",
            directory.text("config.json").replacingOccurrences(
                of: Data(try ReceiverTests.signer.get().publicKey.pkix).base64EncodedString()
                    .replacingOccurrences(of: "/", with: "\\/"),
                with: Data(stranger.publicKey.pkix).base64EncodedString()))
        try receiver.configure(
            try SinkConfiguration(reading: directory.file("config.json"), warn: { _ in }), key: sink)
        // The first is by nobody who is known now, the second is.
        let receipts = receiver.judge([waiting, unknown]).map { $0.receipt }
        #expect(receipts[0] == nil)
        #expect(
            receipts[1].flatMap { Receipt(opening: Array($0.dropFirst(2)), with: signed.sharedKey) }?.status == .mixed)
    }

    var poolSize: Int { get throws { try directory.read("pool").count } }

    func storedCounter() throws -> Int64? {
        let object = try JSONSerialization.jsonObject(with: Data(directory.read("config.json"))) as? [String: Any]
        return (object?["Counter"] as? NSNumber)?.int64Value
    }

    @Test func aFreshPacketIsMixed() throws {
        let receiver = try receiver()
        #expect(try receive(receiver, recipient: sink.publicKey) == Receipt(status: .mixed, counter: 6, time: 1000))
        #expect(try poolSize == 1024)
        #expect(try storedCounter() == 6)
    }

    @Test func aReplayIsRefused() throws {
        let receiver = try receiver()
        _ = try receive(receiver, recipient: sink.publicKey)
        #expect(
            try receive(receiver, recipient: sink.publicKey)
                == Receipt(status: .counterRegressed, counter: 6, time: 1000))
        #expect(try poolSize == 1024)
    }

    @Test func twoSignersHaveTwoCounters() throws {
        let first = try ReceiverTests.signer.get()
        let second = try SoftwareSigner(generating: .rsa(bits: 2048))
        let list = [first, second].map {
            ["Key": Data($0.publicKey.pkix).base64EncodedString(), "Counter": 5] as [String: Any]
        }
        let receiver = try receiver(["Signer": list, "Counter": NSNull()])
        func status(_ counter: Int64, _ signer: SoftwareSigner) throws -> Receipt? {
            try receive(receiver, counter: counter, recipient: sink.publicKey, by: signer)
        }
        #expect(try status(100, first) == Receipt(status: .mixed, counter: 100, time: 1000))
        #expect(try status(6, second) == Receipt(status: .mixed, counter: 6, time: 1000))
        #expect(try status(6, second) == Receipt(status: .counterRegressed, counter: 6, time: 1000))
        #expect(try status(100, first) == Receipt(status: .counterRegressed, counter: 100, time: 1000))
        #expect(try status(101, first)?.status == .mixed)
        #expect(try poolSize == 3 * 1024)
        let stranger = try SoftwareSigner(generating: .ecdsaP256)
        #expect(try status(200, stranger) == nil)
    }

    @Test(arguments: [879, 1121, .min, .max] as [Int64]) func anotherTimeIsRefused(_ timestamp: Int64) throws {
        let receiver = try receiver()
        let receipt = try receive(receiver, timestamp: timestamp, recipient: sink.publicKey)
        #expect(receipt == Receipt(status: .timestampOutsideDrift, counter: 5, time: 1000))
        #expect(try poolSize == 0)
        #expect(try storedCounter() == 5)
    }

    @Test func aPacketForAnotherSinkIsRefused() throws {
        let receiver = try receiver()
        let receipt = try receive(receiver, recipient: BoxPrivateKey().publicKey)
        #expect(receipt == Receipt(status: .wrongRecipient, counter: 5, time: 1000))
        #expect(try poolSize == 0)
    }

    @Test func theRecipientMayBeRequired() throws {
        #expect(try receive(try receiver(), recipient: nil)?.status == .mixed)
        let strict = try receiver(["RequireRecipient": true])
        #expect(try receive(strict, recipient: nil)?.status == .wrongRecipient)
        #expect(try receive(strict, recipient: sink.publicKey)?.status == .mixed)
    }

    @Test func strangersGetNoByte() throws {
        let receiver = try receiver()
        #expect(answer(receiver, []) == nil)
        #expect(answer(receiver, [UInt8](repeating: 7, count: 1400)) == nil)
        let unsigned = SignedMessage(message: [0x30, 0], signature: [])
        #expect(answer(receiver, try Envelope.seal(unsigned, to: sink.publicKey).bytes) == nil)
    }

    @Test func aCounterThatAnOperatorRaisedHolds() throws {
        let receiver = try receiver()
        let text = try directory.text("config.json").replacingOccurrences(of: "\"Counter\":5", with: "\"Counter\":1000")
        try directory.write("config.json", text)
        #expect(
            try receive(receiver, recipient: sink.publicKey)
                == Receipt(status: .counterRegressed, counter: 1000, time: 1000))
        #expect(try storedCounter() == 1000)
        #expect(try receive(receiver, counter: 1001, recipient: sink.publicKey)?.status == .mixed)
    }

    @Test func nothingIsMixedWhoseCounterCannotBeStored() throws {
        let receiver = try receiver()
        try directory.write("config.json", "broken")
        #expect(try receive(receiver, recipient: sink.publicKey)?.status == .notMixed)
        #expect(try poolSize == 0)
        #expect(try directory.text("config.json") == "broken")
        // A recording of it is not tried again.
        #expect(try receive(receiver, recipient: sink.publicKey)?.status == .counterRegressed)
    }
}

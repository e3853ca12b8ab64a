import EntropyCrypto
import EntropyPacket
import Foundation
import Health
import Support
import Testing

/// A source that is broken, or in another's hands: its packets are as they should be, what is in them is not.
@Suite struct BrokenChunkTests {
    let place: Workplace
    let sink: RunningSink
    let source: HostileSource

    init() throws {
        place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        sink = try RunningSink(place)
        source = try HostileSource(place)
    }

    @Test func noneOfThemIsMixed() throws {
        var counter: Int64 = 0
        for (name, chunk) in brokenChunks {
            counter += 1
            let receipt = try source.send(chunk, counter: counter, to: sink.port)
            #expect(receipt?.status == .notMixed && receipt?.counter == counter, "\(name)")
            #expect(try place.directory.read("pool").isEmpty, "\(name)")
            #expect(try place.number("config.json", "Counter") == counter, "\(name)")
        }
        // A line for all of them: the first, and no more before a minute is over.
        let told = sink.log.packets
        #expect(told.count == 1 && told.first?.counter == 1 && told.first?.fate == .notMixed, "\(sink.log)")
        #expect(told.first?.address == "127.0.0.1", "\(sink.log)")
        #expect(told.first?.signer == String(source.signer.publicKey.fingerprint.prefix(8)), "\(sink.log)")
        #expect(try source.send(goodChunk(), counter: 1, to: sink.port)?.status == .counterRegressed)
        #expect(try source.send(goodChunk(), counter: counter + 1, to: sink.port)?.status == .mixed)
        #expect(try place.directory.read("pool") == goodChunk())
    }

    /// What the original sent, and sends, is as good.
    @Test func theOriginalsChunksAreGood() throws {
        let groups = try Vectors.load("reference-packets.json", as: ReferencePackets.self).groups
        for group in groups {
            var secret = hex(try #require(group.keys["sink_private"]))
            let key = try BoxPrivateKey(moving: &secret)
            let signer = try PublicKey(hex(try #require(group.keys["signer_pkix_der"])))
            for each in group.cases where each.expect == "accept" {
                let packet = try Envelope.open(hex(each.wire), with: key).message.verifiedPacket(by: [signer]).packet
                #expect(StuckBlock.check(packet.chunk) == nil, "\(each.name)")
            }
        }
    }
}

/// Somebody with a signing key, who sends what he likes.
struct HostileSource {
    let signer: SoftwareSigner
    private let recipient: BoxPublicKey

    /// With the keys of a place that was provisioned.
    init(_ place: Workplace) throws {
        signer = try SoftwareSigner(place.directory.read("signer.key"))
        recipient = try BoxPublicKey(place.directory.read("decrypt.pub"))
    }

    /// Sends one packet; returns what the sink answers.
    func send(_ chunk: [UInt8], counter: Int64, to port: UInt16) throws -> Receipt? {
        let message = try Packet(
            timestamp: Int64(Date().timeIntervalSince1970), counter: counter, chunk: chunk,
            recipient: Recipient(recipient)
        ).encode()
        let signed = SignedMessage(message: message, signature: try signer.sign(message))
        let sealed = try Envelope.seal(signed, to: recipient)
        let connection = try Socket.connect(port)
        connection.send(Frame.encode(sealed.bytes))
        return Receipt(opening: Array(connection.receive(200).dropFirst(2)), with: sealed.sharedKey)
    }
}

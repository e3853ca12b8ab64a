import DER
import EntropyCrypto
import Testing

@testable import EntropyPacket

@Suite struct PacketTests {
    let chunk = (0..<1024).map { UInt8(truncatingIfNeeded: $0 &* 7) }

    func packet(_ counter: Int64 = 1, recipient: Recipient? = nil) throws -> Packet {
        try Packet(timestamp: 1_700_000_000, counter: counter, chunk: chunk, recipient: recipient)
    }

    @Test func sizesAreTheOnesTheOriginalPrints() throws {
        // "packet 1041, sealed 1381" for RSA-2048; the recipient adds 18.
        let signer = try SoftwareSigner(generating: .rsa(bits: 2048))
        let sink = BoxPrivateKey()
        func sealed(_ recipient: Recipient?) throws -> (Int, Int) {
            let message = try packet(recipient: recipient).encode()
            let signed = SignedMessage(message: message, signature: try signer.sign(message))
            return (message.count, try Envelope.seal(signed, to: sink.publicKey).bytes.count)
        }
        #expect(try sealed(nil) == (1041, 1381))
        #expect(try sealed(Recipient(sink.publicKey)) == (1059, 1399))
    }

    @Test func aP256PacketIsAbout185BytesSmaller() throws {
        let signer = try SoftwareSigner(generating: .ecdsaP256)
        let message = try packet().encode()
        let signed = SignedMessage(message: message, signature: try signer.sign(message))
        let size = try Envelope.seal(signed, to: BoxPrivateKey().publicKey).bytes.count
        // An ECDSA-Sig-Value on P-256 has 68 to 72 bytes, most often 70 to 72.
        #expect((1381 - 190...1381 - 180).contains(size))
    }

    @Test(
        arguments: [
            .min, -1 << 32, -1 << 31, -129, -128, -1, 0, 127, 128, 1 << 31 - 1, 1 << 31, 1 << 32, .max,
        ] as [Int64])
    func numbersAreReadBackAtTheBorders(_ number: Int64) throws {
        var packet = try packet(number)
        packet.timestamp = number
        #expect(try Packet(decoding: packet.encode()) == packet)
    }

    @Test func aChunkHas1024Bytes() {
        for count in [0, 1023, 1025] {
            #expect(throws: PacketError.chunkLength) {
                try Packet(timestamp: 0, counter: 0, chunk: [UInt8](repeating: 0, count: count), recipient: nil)
            }
        }
    }

    /// A packet with these elements after the chunk.
    func message(_ extra: [UInt8]) -> [UInt8] {
        var writer = DERWriter()
        writer.writeConstructed { sequence in
            sequence.writeInteger(1)
            sequence.writeInteger(2)
            sequence.write(DERTag.octetString, chunk)
        }
        // The SEQUENCE's length has two octets in the long form.
        let contents = writer.bytes.dropFirst(4) + extra
        return [0x30, 0x82, UInt8(contents.count >> 8), UInt8(contents.count & 0xff)] + contents
    }

    @Test func theRecipientIsTheFirstHalfOfSHA256OfTheKey() throws {
        let key = BoxPrivateKey().publicKey
        let expected = Array(SHA256.hash(key.bytes).prefix(16))
        let decoded = try Packet(decoding: message([0x80, 0x10] + expected))
        #expect(decoded.recipient == Recipient(key))
        #expect(try packet(recipient: Recipient(key)).encode().suffix(18) == [0x80, 0x10] + expected)
    }

    @Test(
        arguments: [
            [0x81, 0x01, 0xaa], [0xa1, 0x03, 0x02, 0x01, 0x05], [0x04, 0x00], [0xbf, 0x81, 0x00, 0x00],
        ] as [[UInt8]])
    func laterElementsArePassedOver(_ extra: [UInt8]) throws {
        #expect(try Packet(decoding: message(extra)).recipient == nil)
    }

    @Test(
        arguments: [
            [0x80, 0x0f] + [UInt8](repeating: 1, count: 15), [0x80, 0x11] + [UInt8](repeating: 1, count: 17),
            [0x80, 0x00], [0xa0, 0x10] + [UInt8](repeating: 1, count: 16),
            [0x80, 0x81, 0x10] + [UInt8](repeating: 1, count: 16),
            [0x81], [0x81, 0x05, 0x00], [0x80, 0x80, 0x00, 0x00], [0x9f, 0x1f, 0x00, 0x00], [0xbf, 0x80, 0x01, 0x00],
            [0x00, 0x00], [0x20, 0x00],
        ] as [[UInt8]])
    func damagedElementsAreRefused(_ extra: [UInt8]) {
        // [0x9f, 0x1f] is a high tag number in its own form; what follows it is not. [0x00, 0x00] ends an indefinite length.
        #expect(throws: PacketError.malformedPacket) { try Packet(decoding: message(extra)) }
    }

    @Test func anythingBesideTheTwoSignedPartsIsRefused() throws {
        var writer = DERWriter()
        writer.writeConstructed { sequence in
            for _ in 0..<3 { sequence.write(DERTag.octetString, [1]) }
        }
        #expect(throws: PacketError.malformedEnvelope) { try SignedMessage(decoding: writer.bytes) }
    }

    @Test func noBytesAtAllTrap() throws {
        // Each byte of a good message changed in turn, and each prefix: read or refused, but never a trap.
        let good = SignedMessage(
            message: try packet(recipient: Recipient(BoxPrivateKey().publicKey)).encode(), signature: [9])
        let bytes = good.encode()
        for place in bytes.indices where place < 40 || place > bytes.count - 40 {
            for value in [0x00, 0x01, 0x7f, 0x80, 0x84, 0x85, 0xff] as [UInt8] {
                var changed = bytes
                changed[place] = value
                if let read = try? SignedMessage(decoding: changed) {
                    #expect(read.encode() == changed)
                    if let packet = try? Packet(decoding: read.message) { #expect(packet.chunk.count == 1024) }
                }
            }
        }
        for count in 0..<bytes.count {
            #expect(throws: PacketError.malformedEnvelope) { try SignedMessage(decoding: Array(bytes.prefix(count))) }
        }
    }
}

import EntropyCrypto
import Testing

@testable import EntropyPacket

/// A good packet with one bit changed, or cut off anywhere: refused, with the code of the layer that noticed.
@Suite struct AlteredPacketTests {
    /// A packet as a source makes it.
    struct Good {
        let sink = BoxPrivateKey()
        let signer: SoftwareSigner
        let contents: [UInt8]
        let sealed: [UInt8]

        init(_ algorithm: KeyAlgorithm) throws {
            signer = try SoftwareSigner(generating: algorithm)
            let message = try Packet(
                timestamp: 1_700_000_000, counter: 1, chunk: [UInt8](repeating: 5, count: 1024),
                recipient: Recipient(sink.publicKey)
            ).encode()
            let signed = SignedMessage(message: message, signature: try signer.sign(message))
            contents = signed.encode()
            sealed = try Envelope.seal(signed, to: sink.publicKey).bytes
        }

        /// Why a sink would refuse these bytes; nil where it would take them.
        func refusal(ofSealed bytes: [UInt8]) -> PacketError? {
            do throws(PacketError) {
                _ = try Envelope.open(bytes, with: sink).message.verifiedPacket(by: [signer.publicKey])
                return nil
            } catch { return error }
        }

        /// The same of what the box holds: what only someone with a box key of their own could send.
        func refusal(ofContents bytes: [UInt8]) -> PacketError? {
            do throws(PacketError) {
                _ = try SignedMessage(decoding: bytes).verifiedPacket(by: [signer.publicKey])
                return nil
            } catch { return error }
        }
    }

    static let algorithms: [KeyAlgorithm] = [.rsa(bits: 2048), .ecdsaP256]

    func flipped(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
        var changed = bytes
        changed[bit / 8] ^= 1 << UInt8(bit % 8)
        return changed
    }

    @Test(arguments: algorithms) func everyBitOfABoxCounts(_ algorithm: KeyAlgorithm) throws {
        let good = try Good(algorithm)
        #expect(good.refusal(ofSealed: good.sealed) == nil)
        for bit in 0..<(good.sealed.count * 8) {
            #expect(good.refusal(ofSealed: flipped(good.sealed, bit)) == .boxInvalid, "bit \(bit)")
        }
        for count in good.sealed.indices {
            let expected: PacketError = count < Envelope.overhead ? .boxTooShort : .boxInvalid
            #expect(good.refusal(ofSealed: Array(good.sealed.prefix(count))) == expected, "\(count) bytes")
        }
    }

    @Test(arguments: algorithms) func everyBitOfWhatItHoldsCounts(_ algorithm: KeyAlgorithm) throws {
        let good = try Good(algorithm)
        #expect(good.refusal(ofContents: good.contents) == nil)
        for bit in 0..<(good.contents.count * 8) {
            let refusal = good.refusal(ofContents: flipped(good.contents, bit))
            #expect(
                [.malformedEnvelope, .signatureInvalid].contains(refusal), "bit \(bit): \(String(describing: refusal))")
        }
        for count in good.contents.indices {
            #expect(
                good.refusal(ofContents: Array(good.contents.prefix(count))) == .malformedEnvelope, "\(count) bytes")
        }
    }

    @Test func everyPieceOfAFrameIsWaitedFor() throws {
        let frame = Frame.encode([UInt8](repeating: 9, count: 1399))
        for count in frame.indices {
            var reader = FrameReader(Frame.packetSizes)
            #expect(try reader.take(frame.prefix(count)) == nil)
            #expect(reader.count == count)
            #expect(reader.missing == (count < 2 ? nil : 1401 - count))
            #expect(try reader.take(frame.dropFirst(count) + [1, 2, 3])?.count == 1399)
        }
        var reader = FrameReader(Frame.packetSizes)
        #expect(throws: PacketError.frameLength(71)) { try reader.take([0, 71] + [UInt8](repeating: 0, count: 9000)) }
    }
}

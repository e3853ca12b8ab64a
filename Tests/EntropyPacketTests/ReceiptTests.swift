import EntropyCrypto
import Testing

@testable import EntropyPacket

@Suite struct ReceiptTests {
    /// A packet's two ends: what seals the receipt, and what opens it.
    func keys() throws -> (sink: BoxSharedKey, source: BoxSharedKey) {
        let sink = BoxPrivateKey()
        let sealed = try Envelope.seal(SignedMessage(message: [1], signature: [2]), to: sink.publicKey)
        return (try Envelope.open(sealed.bytes, with: sink).sharedKey, sealed.sharedKey)
    }

    @Test(arguments: [0, 1, 2, 3, 4] as [Int64], [.min, -1, 0, 1 << 32, .max] as [Int64])
    func isReadByTheOtherEnd(_ status: Int64, _ number: Int64) throws {
        let (sink, source) = try keys()
        let receipt = Receipt(status: try #require(Receipt.Status(rawValue: status)), counter: number, time: number)
        let frame = receipt.seal(with: sink)
        let length = try Frame.length(frame[0], frame[1], in: Frame.receiptSizes)
        #expect(length == frame.count - 2)
        #expect(Receipt(opening: Array(frame.dropFirst(2)), with: source) == receipt)
    }

    @Test func aForgedOneIsNone() throws {
        let (sink, source) = try keys()
        let frame = Receipt(status: .mixed, counter: 1, time: 2).seal(with: sink)
        let (stranger, _) = try keys()
        #expect(Receipt(opening: Array(frame.dropFirst(2)), with: stranger) == nil)
        for place in 2..<frame.count {
            var changed = Array(frame.dropFirst(2))
            changed[place - 2] ^= 1
            #expect(Receipt(opening: changed, with: source) == nil)
        }
        #expect(Receipt(opening: [], with: source) == nil)
        // A status that is not known, a fourth element, an INTEGER where an ENUMERATED belongs.
        for plain in [
            [0x30, 9, 10, 1, 5, 2, 1, 1, 2, 1, 2], [0x30, 8, 10, 1, 0, 2, 1, 1, 5, 0],
            [0x30, 9, 2, 1, 0, 2, 1, 1, 2, 1, 2],
        ]
            as [[UInt8]]
        { #expect(Receipt(opening: sink.seal(plain), with: source) == nil) }
    }

    @Test func framesAreJudgedByTheirLength() throws {
        #expect(try Frame.length(0, 72, in: Frame.packetSizes) == 72)
        #expect(try Frame.length(16, 0, in: Frame.packetSizes) == 4096)
        for (high, low, length) in [(0, 0, 0), (0, 71, 71), (16, 1, 4097), (255, 255, 65535)] as [(UInt8, UInt8, Int)] {
            #expect(throws: PacketError.frameLength(length)) { try Frame.length(high, low, in: Frame.packetSizes) }
        }
        #expect(Frame.encode([UInt8](repeating: 7, count: 258)).prefix(3) == [1, 2, 7])
    }
}

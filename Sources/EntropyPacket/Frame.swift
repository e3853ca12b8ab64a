/// Length-prefixed bytes on a TCP connection: 2 bytes, most significant first, then as many bytes.
public enum Frame {
    public static let headerSize = 2
    /// No envelope is shorter. None of this program's is longer: RSA-4096 makes 1.7 KB, the rest is room for later elements.
    public static let packetSizes = Envelope.overhead...4096
    /// What a receipt may have: nonce, box and a few dozen bytes.
    public static let receiptSizes = 40...128

    /// The frame around `bytes`, of which there are at most 65535.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        precondition(bytes.count <= UInt16.max, "only packets and receipts are framed")
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
    }

    /// The length that a header announces, judged before anything is allocated.
    public static func length(
        _ high: UInt8, _ low: UInt8, in sizes: ClosedRange<Int>
    ) throws(PacketError) -> Int {
        let length = Int(high) << 8 | Int(low)
        guard sizes.contains(length) else { throw .frameLength(length) }
        return length
    }
}

/// Gathers one frame, however its bytes arrive. Never keeps more than the longest frame that is accepted, and refuses a
/// length as soon as both of its bytes are there.
public struct FrameReader: Sendable {
    private let sizes: ClosedRange<Int>
    private var received: [UInt8] = []

    /// For frames whose contents have a length within `sizes`.
    public init(_ sizes: ClosedRange<Int>) { self.sizes = sizes }

    /// Bytes of the frame so far, its header included.
    public var count: Int { received.count }

    /// Bytes that are missing of a frame whose length is known; nil while its header is not whole.
    public var missing: Int? {
        guard received.count >= Frame.headerSize else { return nil }
        return Frame.headerSize + (Int(received[0]) << 8 | Int(received[1])) - received.count
    }

    /// Takes what arrived; returns the frame's contents once they are whole. Bytes after the frame are dropped. Throws
    /// `frameLength`.
    public mutating func take(_ arrived: some Collection<UInt8>) throws(PacketError) -> [UInt8]? {
        received.append(contentsOf: arrived.prefix(Frame.headerSize + sizes.upperBound - received.count))
        guard received.count >= Frame.headerSize else { return nil }
        let length = try Frame.length(received[0], received[1], in: sizes)
        guard received.count >= Frame.headerSize + length else { return nil }
        return Array(received[Frame.headerSize..<(Frame.headerSize + length)])
    }
}

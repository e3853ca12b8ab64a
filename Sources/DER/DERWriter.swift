/// Writes DER, the one form each value has.
public struct DERWriter {
    public private(set) var bytes: [UInt8] = []

    public init(reservingCapacity count: Int = 0) { bytes.reserveCapacity(count) }

    /// One element with these contents, of at most 2³¹−1 bytes.
    public mutating func write(_ tag: UInt8, _ contents: some Collection<UInt8>) {
        bytes.append(tag)
        writeLength(contents.count)
        bytes.append(contentsOf: contents)
    }

    /// A constructed element, a SEQUENCE unless told otherwise, with what `body` writes.
    public mutating func writeConstructed(_ tag: UInt8 = DERTag.sequence, _ body: (inout DERWriter) -> Void) {
        var inner = DERWriter()
        body(&inner)
        write(tag, inner.bytes)
    }

    /// An INTEGER, or an ENUMERATED, in as few bytes as hold it.
    public mutating func writeInteger(_ value: Int64, _ tag: UInt8 = DERTag.integer) {
        var octets: [UInt8] = []
        for shift in stride(from: 56, through: 0, by: -8) { octets.append(UInt8(truncatingIfNeeded: value >> shift)) }
        // Drop each leading byte that only repeats the sign of the next one.
        let superfluous = zip(octets, octets.dropFirst()).prefix {
            ($0 == 0x00 && $1 < 0x80) || ($0 == 0xff && $1 >= 0x80)
        }
        write(tag, octets.dropFirst(Array(superfluous).count))
    }

    /// A non-negative INTEGER of any size, most significant byte first; leading zeros do not matter.
    public mutating func writeUnsigned(_ number: [UInt8]) {
        let significant = number.drop { $0 == 0 }
        let needsZero = (significant.first ?? 0x80) >= 0x80
        write(DERTag.integer, (needsZero ? [0] : []) + significant)
    }

    public mutating func writeBoolean(_ value: Bool) { write(DERTag.boolean, [value ? 0xff : 0x00]) }

    /// A BIT STRING of whole bytes.
    public mutating func writeBitString(_ contents: [UInt8]) { write(DERTag.bitString, [0] + contents) }

    private mutating func writeLength(_ count: Int) {
        if count < 0x80 {
            bytes.append(UInt8(count))
            return
        }
        var octets: [UInt8] = []
        var rest = count
        while rest > 0 {
            octets.append(UInt8(truncatingIfNeeded: rest))
            rest >>= 8
        }
        bytes.append(0x80 | UInt8(octets.count))
        bytes.append(contentsOf: octets.reversed())
    }
}

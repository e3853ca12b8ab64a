/// A strict reader of DER (X.690, clauses 8 and 10): definite minimal lengths, minimal integers. It never copies more
/// than it was given, never allocates by a length it read, and never traps.
public struct DERReader {
    private var rest: ArraySlice<UInt8>

    public init(_ bytes: [UInt8]) { rest = bytes[...] }
    public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    public var isAtEnd: Bool { rest.isEmpty }

    /// The identifier octet of the next element, or nil at the end.
    public var nextTag: UInt8? { rest.first }

    /// Refuses anything that is left.
    public func finish() throws(DERError) {
        guard rest.isEmpty else { throw .trailingBytes }
    }

    /// The contents of the next element, which must have `tag`.
    public mutating func read(_ tag: UInt8) throws(DERError) -> ArraySlice<UInt8> {
        guard let found = rest.first else { throw .truncated }
        guard found == tag else { throw .unexpectedTag }
        rest.removeFirst()
        return try readContents()
    }

    /// A reader of the contents of a constructed element, a SEQUENCE unless told otherwise.
    public mutating func readConstructed(_ tag: UInt8 = DERTag.sequence) throws(DERError) -> DERReader {
        DERReader(try read(tag))
    }

    /// An INTEGER, or an ENUMERATED, of 64 bits with sign.
    public mutating func readInteger(_ tag: UInt8 = DERTag.integer) throws(DERError) -> Int64 {
        let contents = try read(tag)
        guard let first = contents.first, contents.count <= 8 else { throw .badInteger }
        if contents.count > 1 {
            // The first nine bits must not all be the same: X.690, 8.3.2.
            let second = contents[contents.startIndex + 1]
            guard !(first == 0x00 && second < 0x80), !(first == 0xff && second >= 0x80) else { throw .badInteger }
        }
        var value: Int64 = first >= 0x80 ? -1 : 0
        for byte in contents { value = value << 8 | Int64(byte) }
        return value
    }

    /// Passes over one element of any kind, with a tag number of any size.
    public mutating func skip() throws(DERError) {
        guard let first = rest.popFirst() else { throw .truncated }
        // Universal tag 0 ends an indefinite length, which DER has not (X.690, 8.1.5).
        guard first & 0xdf != 0 else { throw .unexpectedTag }
        if first & 0x1f == 0x1f { try skipHighTagNumber() }
        _ = try readContents()
    }

    private mutating func skipHighTagNumber() throws(DERError) {
        var number: UInt32 = 0
        while true {
            guard let byte = rest.popFirst() else { throw .truncated }
            // Minimal: no leading zero group; more than 28 bits of tag number is nobody's protocol.
            guard !(number == 0 && byte == 0x80), number < 1 << 21 else { throw .unexpectedTag }
            number = number << 7 | UInt32(byte & 0x7f)
            if byte < 0x80 { break }
        }
        guard number >= 0x1f else { throw .unexpectedTag }
    }

    private mutating func readContents() throws(DERError) -> ArraySlice<UInt8> {
        guard let first = rest.popFirst() else { throw .truncated }
        var length = UInt32(first)
        if first >= 0x80 {
            let octets = Int(first & 0x7f)
            guard octets >= 1, octets <= 4 else { throw .badLength }
            guard rest.count >= octets else { throw .truncated }
            guard rest.first != 0 else { throw .badLength }
            length = 0
            for _ in 0..<octets { length = length << 8 | UInt32(rest.removeFirst()) }
            guard length >= 0x80 else { throw .badLength }
        }
        guard let count = Int(exactly: length), count <= rest.count else { throw .truncated }
        defer { rest.removeFirst(count) }
        return rest.prefix(count)
    }
}

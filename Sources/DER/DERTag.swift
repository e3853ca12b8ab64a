/// Identifier octets of the forms used here (X.690, 8.1.2): one octet each.
public enum DERTag {
    public static let boolean: UInt8 = 0x01
    public static let integer: UInt8 = 0x02
    public static let bitString: UInt8 = 0x03
    public static let octetString: UInt8 = 0x04
    public static let null: UInt8 = 0x05
    public static let objectIdentifier: UInt8 = 0x06
    public static let enumerated: UInt8 = 0x0a
    public static let utf8String: UInt8 = 0x0c
    public static let sequence: UInt8 = 0x30

    /// `[number] IMPLICIT` around a primitive type; `number` is 0 to 30.
    public static func primitive(_ number: UInt8) -> UInt8 { 0x80 | (number & 0x1f) }
    /// `[number] EXPLICIT`, or IMPLICIT around a constructed type; `number` is 0 to 30.
    public static func constructed(_ number: UInt8) -> UInt8 { 0xa0 | (number & 0x1f) }
}

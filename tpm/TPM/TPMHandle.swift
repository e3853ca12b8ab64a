import Platform
/// Numbers of objects that a TPM keeps over power cycles (TPM 2.0 Library, Part 2, 7.2).
public enum TPMHandle {
    /// All persistent handles.
    static let persistent: ClosedRange<UInt32> = 0x8100_0000...0x81ff_ffff
    /// Those that a TPM's owner may give out; the rest is the platform's.
    private static let ownerPersistent: ClosedRange<UInt32> = 0x8100_0000...0x817f_ffff

    /// True for a handle that the owner may give out.
    public static func isOwners(_ handle: UInt32) -> Bool { ownerPersistent.contains(handle) }

    /// What stands before a handle where a key file may stand too.
    public static let prefix: StaticString = "handle:"

    /// A persistent handle from its hexadecimal form, 0x81 and six more digits; nil for anything else.
    public static func parse(_ text: String) -> UInt32? {
        let digits = text.utf8.dropFirst(2)
        guard Text.begins(text, with: "0x"), digits.count == 8, digits.first != UInt8(ascii: "+"),
            let number = UInt32(String(decoding: digits, as: UTF8.self), radix: 16), persistent.contains(number)
        else { return nil }
        return number
    }

    public static func text(_ handle: UInt32) -> String { "0x\(String(handle, radix: 16))" }
}

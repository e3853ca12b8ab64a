import CSodium

/// Standard base64 with padding (RFC 4648, 4): one form for each value, all others are refused.
public enum Base64 {
    public static func encode(_ bytes: [UInt8]) -> String {
        let variant = sodium_base64_VARIANT_ORIGINAL
        var text = [CChar](repeating: 0, count: sodium_base64_encoded_len(bytes.count, variant))
        sodium_bin2base64(&text, text.count, bytes, bytes.count, variant)
        return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Nil for text that is not base64: another alphabet, white space, missing padding.
    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode($0) }
    }

    /// The same of a text file of one line; the line feed at its end may be missing.
    public static func decode(line file: [UInt8]) -> [UInt8]? {
        var end = file.count
        while end > 0, file[end - 1] == UInt8(ascii: "\n") || file[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        guard end > 0 else { return nil }
        return file.withUnsafeBufferPointer { decode(UnsafeBufferPointer(rebasing: $0[..<end])) }
    }

    /// The same of a text in an array, which can be wiped.
    public static func decode(_ text: [UInt8]) -> [UInt8]? { text.withUnsafeBufferPointer { decode($0) } }

    private static func decode(_ characters: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        // Where char has a sign, libsodium 1.0.18 takes every byte from 0x80 on for a slash.
        guard characters.allSatisfy({ $0 < 0x80 }) else { return nil }
        guard let start = characters.baseAddress else { return [] }
        var bytes = [UInt8](repeating: 0, count: characters.count / 4 * 3 + 3)
        var count = 0
        let result = sodium_base642bin(
            &bytes, bytes.count, UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), characters.count, nil,
            &count, nil, sodium_base64_VARIANT_ORIGINAL)
        guard result == 0 else { return nil }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

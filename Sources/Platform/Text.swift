/// Text compared byte by byte. The standard library compares by Unicode's rules, whose tables take a tenth of a board's program,
/// and copies its generic ways to do otherwise into each place that uses them.
public enum Text {
    public static func areEqual(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count && begins(one, with: other)
    }

    public static func begins(_ text: String, with prefix: String) -> Bool {
        begins(Array(text.utf8)[...], with: prefix)
    }

    public static func ends(_ text: String, with suffix: String) -> Bool {
        let (bytes, count) = (Array(text.utf8), suffix.utf8.count)
        return bytes.count >= count && begins(bytes.suffix(count), with: suffix)
    }

    /// The same for what may be no text.
    public static func begins(_ bytes: ArraySlice<UInt8>, with prefix: String) -> Bool {
        let wanted = Array(prefix.utf8)
        guard bytes.count >= wanted.count else { return false }
        return wanted.indices.allSatisfy { bytes[bytes.startIndex + $0] == wanted[$0] }
    }
}

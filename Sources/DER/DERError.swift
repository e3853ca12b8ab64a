/// Why bytes are not the DER that was expected.
public enum DERError: Error, Sendable {
    /// The element, or the whole, ends before its length says.
    case truncated
    /// Another tag than the one expected.
    case unexpectedTag
    /// A length that is indefinite, not minimal, or beyond 32 bits.
    case badLength
    /// An INTEGER that is empty, not minimal, or beyond 64 bits.
    case badInteger
    /// A value outside what its type allows: a BOOLEAN of two bytes, a bad object identifier.
    case badValue
    /// Bytes after the last element.
    case trailingBytes
}

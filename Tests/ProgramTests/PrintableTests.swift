import CommandLine
import Testing

/// What is shown of names from files.
@Suite struct PrintableTests {
    /// Swift's tables of Unicode say what cannot be seen; a board's program has its own, shorter ones.
    @Test func whatCannotBeSeenIsReplaced() {
        for value in UInt32(0)...0x10ffff {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let properties = scalar.properties
            var isHidden = properties.isDefaultIgnorableCodePoint
            switch properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: isHidden = true
            default: break
            }
            let shown = Terminal.printable("a\(String(scalar))b").unicodeScalars
            #expect(shown.contains(scalar) != isHidden, "U+\(String(value, radix: 16))")
            if isHidden { #expect(Array(shown) == ["a", "?", "b"]) }
        }
    }

    @Test func whatCanBeSeenStays() {
        for text in ["", "plain", "größe", "сервер", "サーバー", "a/b c-d_e.json"] {
            #expect(Terminal.printable(text) == text)
        }
    }
}

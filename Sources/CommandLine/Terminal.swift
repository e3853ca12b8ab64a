import Platform

/// Standard output, for what another program may read, and standard error, for everything else.
public enum Terminal {
    /// One line of output. Fails when nobody takes it: a full disk, a closed pipe.
    public static func output(_ line: String) throws(Failure) { try output(Array(line.utf8) + [UInt8(ascii: "\n")]) }

    public static func output(_ bytes: [UInt8]) throws(Failure) {
        do throws(SystemError) {
            try StandardStream.output.write(bytes)
        } catch {
            throw Failure(error)
        }
    }

    /// One line for a person, with the program's name before it.
    public static func say(_ program: StaticString, _ line: String) {
        // Where standard error is gone there is nobody left to tell.
        try? StandardStream.error.write(Array("\(program.description): \(printable(line))\n".utf8))
    }

    /// The line with everything replaced that cannot be seen and changes how the rest is shown: control characters, C1's too,
    /// the ends of lines and paragraphs, what turns the direction of writing, what takes no room. So a name from a file can
    /// neither break the line, nor move the cursor, nor look like another one.
    public static func printable(_ line: String) -> String {
        // Nearly every line: nothing but ASCII's printable characters.
        guard !line.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) else { return line }
        var text = String.UnicodeScalarView()
        for scalar in line.unicodeScalars { text.append(isHidden(scalar.value) ? "?" : scalar) }
        return String(text)
    }

    /// Unicode's categories Cc, Cf, Zl and Zp and its property Default_Ignorable_Code_Point. In ranges: the library's own
    /// tables take a tenth of a board's program.
    private static func isHidden(_ scalar: UInt32) -> Bool { hidden.contains { $0.contains(scalar) } }

    private static let hidden: [ClosedRange<UInt32>] = [
        0x00...0x1f, 0x7f...0x9f, 0xad...0xad, 0x34f...0x34f, 0x600...0x605, 0x61c...0x61c, 0x6dd...0x6dd,
        0x70f...0x70f, 0x890...0x891, 0x8e2...0x8e2, 0x115f...0x1160, 0x17b4...0x17b5, 0x180b...0x180f,
        0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f, 0x3164...0x3164, 0xfe00...0xfe0f, 0xfeff...0xfeff,
        0xffa0...0xffa0, 0xfff0...0xfffb, 0x110bd...0x110bd, 0x110cd...0x110cd, 0x13430...0x1343f, 0x1bca0...0x1bca3,
        0x1d173...0x1d17a, 0xe0000...0xe0fff,
    ]
}

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

    /// The line with control characters replaced, C1's too, so that a name from a file can neither break the line nor
    /// move the cursor.
    public static func printable(_ line: String) -> String {
        // Nearly every line: nothing but ASCII's printable characters.
        guard !line.utf8.allSatisfy({ (0x20..<0x7f).contains($0) }) else { return line }
        var text = String.UnicodeScalarView()
        for scalar in line.unicodeScalars {
            text.append(scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) ? "?" : scalar)
        }
        return String(text)
    }
}

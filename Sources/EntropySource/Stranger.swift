/// What answers where a sink was expected, by its first bytes: something that is no sink.
enum Stranger {
    /// Bytes of an answer that are kept for it.
    static let length = 64

    /// A line without the address, printable whatever answered.
    static func describe(_ answer: [UInt8]) -> String {
        let line = quote(answer)
        if begins(answer, "HTTP/") || begins(answer, "<") {
            return "answers like an HTTP server (\(line)): a captive portal, or not the sink's port?"
        }
        if begins(answer, "SSH-") { return "answers like an SSH server (\(line)): not the sink's port?" }
        if begins(answer, "220 ") || begins(answer, "220-") {
            return "answers like a mail or FTP server (\(line)): not the sink's port?"
        }
        // A record of TLS: its kind, from 20 to 23, and a version 3.x.
        if answer.count > 2, (0x14...0x17).contains(answer[0]), answer[1] == 3 {
            return "answers like a TLS server (bytes \(digits(answer))): not the sink's port?"
        }
        let isText = answer.prefix(4).allSatisfy { (0x20..<0x7f).contains($0) }
        return "answers with what is no receipt (\(isText ? line : "bytes \(digits(answer))")): not the sink's port?"
    }

    private static func begins(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        return bytes.count >= count && (0..<count).allSatisfy { bytes[$0] == text.utf8Start[$0] }
    }

    /// The first line in quotation marks, with `?` for what cannot be printed.
    private static func quote(_ bytes: [UInt8]) -> String {
        let line = bytes.prefix(length).prefix { $0 != 0x0d && $0 != 0x0a }
        let printable = line.map { (0x20..<0x7f).contains($0) && $0 != UInt8(ascii: "\"") ? $0 : UInt8(ascii: "?") }
        return "\"\(String(decoding: printable, as: UTF8.self))\""
    }

    /// The first eight bytes in hexadecimal digits.
    private static func digits(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes.prefix(8) {
            text += "\(text.isEmpty ? "" : " ")\(byte < 16 ? "0" : "")\(String(byte, radix: 16))"
        }
        return text
    }
}

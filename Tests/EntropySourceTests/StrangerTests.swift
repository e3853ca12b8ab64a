import Support
import Testing

@testable import EntropySource

/// Whatever answers in a sink's place is named in one printable line.
@Suite struct StrangerTests {
    /// By its protocol, where that is known, and with what it said.
    @Test(
        arguments: [
            ("HTTP/1.1 302 Found\r\nLocation: http://portal/\r\n", "HTTP", "\"HTTP/1.1 302 Found\""),
            ("<html>", "HTTP", "\"<html>\""),
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH", "\"SSH-2.0-OpenSSH_9.2p1 Debian-2\""),
            ("220 mail.example.org ESMTP\r\n", "FTP", "\"220 mail.example.org ESMTP\""),
            ("\u{15}\u{3}\u{3}\u{0}\u{2}\u{2}F", "TLS", "15 03 03 00 02 02 46"), ("\u{16}\u{3}\u{1}", "TLS", ""),
            ("hello\n", nil, "\"hello\""), ("\u{0}\u{2b}", nil, "00 2b"),
        ] as [(String, String?, String)])
    func itIsNamed(_ answer: String, _ name: String?, _ quotation: String) {
        let text = Stranger.describe(Array(answer.utf8))
        #expect(["HTTP", "SSH", "FTP", "TLS"].filter { text.names($0) } == (name.map { [$0] } ?? []), "\(text)")
        #expect(quotation.isEmpty || text.contains(quotation), "\(text)")
    }

    @Test func nothingOfItCanMoveTheCursor() {
        for byte in UInt8.min...UInt8.max {
            for start in ["", "HTTP/", "SSH-", "220 "] {
                let text = Stranger.describe(Array(start.utf8) + [UInt8](repeating: byte, count: 100))
                #expect(text.utf8.allSatisfy { (0x20..<0x7f).contains($0) } && text.utf8.count < 200, "\(text)")
            }
        }
    }

    /// RFC 9110, 9.3.6: any 2xx opens the tunnel; a 1xx comes before; all else is the end, without what follows it.
    @Test func aProxysAnswerEndsWithItsHead() {
        func takes(_ lines: [String]) -> [Bool] {
            var answer = ProxyAnswer()
            return lines.map { line in Array("\(line)\r\n".utf8).withUnsafeBytes { answer.take($0) } }
        }
        #expect(takes(["HTTP/1.1 200 OK", "A: b", ""]) == [true, true, true])
        #expect(takes(["HTTP/1.1 100 Continue", "", "HTTP/1.1 204 X", ""]) == [true, true, true, true])
        for status in ["407 Proxy Authentication Required", "302 Found", "999", "", "20", "x"] {
            #expect(takes(["HTTP/1.1 \(status)", "A: b", ""]) == [true, true, false], "\(status)")
        }
        // 16 KB in all, whatever it says.
        let long = takes([String](repeating: String(repeating: "a", count: 1022), count: 17))
        #expect(long == [Bool](repeating: true, count: 16) + [false])
    }
}

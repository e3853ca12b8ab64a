import Foundation

/// Stands between a program and a swtpm and writes down every byte, as who taps the bus would. socat carries the bytes.
public final class BusRecorder: @unchecked Sendable {
    private let directory: TemporaryDirectory
    private let data: Running
    private let control: Running

    /// For `--tcti` and TPM2TOOLS_TCTI.
    public var tcti: String { "swtpm:path=\(directory.file("p"))" }

    public init(_ tpm: SoftwareTPM) throws {
        directory = try TemporaryDirectory()
        data = try Running([
            "socat", "-r", directory.file("commands"), "-R", directory.file("responses"),
            "UNIX-LISTEN:\(directory.file("p")),fork", "UNIX-CONNECT:\(tpm.socket)",
        ])
        control = try Running([
            "socat", "UNIX-LISTEN:\(directory.file("p.ctrl")),fork", "UNIX-CONNECT:\(tpm.socket).ctrl",
        ])
        let directory = directory
        guard eventually({ isListening(directory.file("p")) && isListening(directory.file("p.ctrl")) }) else {
            throw SetupFailed(text: data.errors + control.errors)
        }
    }

    /// Everything that crossed, in both directions.
    public func everything() throws -> Data { Data(try directory.read("commands") + directory.read("responses")) }

    /// The command codes, in order (TPM 2.0 Library, Part 2, 6.5.2): tag (2), size (4), code (4), and the rest.
    public func commandCodes() throws -> [UInt32] {
        let bytes = try directory.read("commands")
        func number(_ place: Int) -> UInt32 { bytes[place..<(place + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
        var codes: [UInt32] = []
        var place = 0
        while place + 10 <= bytes.count {
            codes.append(number(place + 6))
            place += max(10, Int(number(place + 2)))
        }
        return codes
    }
}

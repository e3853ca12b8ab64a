import Platform

/// Why Fortuna gives no output.
public enum FortunaError: Diagnostic {
    /// Pool 0 has not yet gathered enough for a first reseed.
    case notSeeded
    /// More than 2²⁰ bytes in one request (Cryptography Engineering, 9.4.4).
    case requestTooLarge
    /// This process is a copy of the one that seeded the generator, which may give the same output.
    case forked
    /// The power-on self-test of this part failed: the program or the machine computes wrongly.
    case selfTest(StaticString)
    /// A file that is no seed file: it is left as it is.
    case notASeedFile(path: String, size: Int)
    /// The seed file cannot be read or rewritten.
    case file(SystemError)

    public var exitCode: ExitCode {
        switch self {
        case .notSeeded, .requestTooLarge, .forked, .selfTest: .failed
        case .notASeedFile: .badInput
        case .file(let error): error.exitCode
        }
    }

    public var message: String {
        switch self {
        case .notSeeded: "Fortuna has not gathered enough entropy yet"
        case .requestTooLarge: "more than 2^20 bytes asked of Fortuna at once"
        case .forked: "this process is a copy of the one that seeded Fortuna: it would give the same bytes"
        case .selfTest(let part):
            "the self-test of \(part) failed: this program, or the machine, does not compute what it should; nothing is sent"
        case .notASeedFile(let path, let size):
            "\(path): not a seed file: it has \(size) bytes, a seed file has \(SeedFile.size); it was left as it is"
        case .file(let error): error.message
        }
    }
}

import Platform

/// Why Fortuna gives no output.
public enum FortunaError: Diagnostic {
    /// Pool 0 has not yet gathered enough for a first reseed.
    case notSeeded
    /// More than 2²⁰ bytes in one request (Cryptography Engineering, 9.4.4).
    case requestTooLarge
    /// A file that is no seed file: it is left as it is.
    case notASeedFile(path: String, size: Int)
    /// The seed file cannot be read or rewritten.
    case file(SystemError)

    public var exitCode: ExitCode {
        switch self {
        case .notSeeded, .requestTooLarge: .failed
        case .notASeedFile: .badInput
        case .file(let error): error.exitCode
        }
    }

    public var message: String {
        switch self {
        case .notSeeded: "Fortuna has not gathered enough entropy yet"
        case .requestTooLarge: "more than 2^20 bytes asked of Fortuna at once"
        case .notASeedFile(let path, let size):
            "\(path): not a seed file: it has \(size) bytes, a seed file has \(SeedFile.size); it was left as it is"
        case .file(let error): error.message
        }
    }
}

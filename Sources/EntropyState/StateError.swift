import EntropyCrypto
import Platform

/// Why a state file cannot be used. The file is left as it was.
public enum StateError: Diagnostic {
    /// The file cannot be read, locked or replaced.
    case file(SystemError)
    /// Not JSON: the parser's words and where it stopped.
    case notJSON(file: String, reason: String)
    /// JSON of another shape: where it is ("entry 2, Counter") and what was expected there.
    case content(file: String, field: String, expected: String)
    /// Two files that are to be written have this one name.
    case sameName(String)
    /// A key that does not fit the place where it is named.
    case key(file: String, CryptoError)
    /// The counter is at 2⁶³−1: there is no next one.
    case counterExhausted(file: String, address: String)
    /// A change of a configuration's signers that cannot be made.
    case signers(file: String, String)
    /// A sink that runs already keeps its counters there.
    case inUse(file: String)
    /// A sink that runs already writes its report there.
    case reportInUse(file: String)
    /// The configuration, where the counter would be kept, cannot be written.
    case counterNotStorable(SystemError)

    public var exitCode: ExitCode {
        switch self {
        case .file(let error): error.exitCode
        case .sameName: .usage
        case .notJSON, .content, .key, .signers: .badInput
        case .counterExhausted: .failed
        case .inUse, .reportInUse: .unavailable
        case .counterNotStorable(let error): error.exitCode
        }
    }

    public var message: String {
        switch self {
        case .file(let error): error.message
        case .notJSON(let file, let reason): "\(file): not JSON: \(reason)"
        case .content(let file, let field, let expected):
            field.isEmpty ? "\(file): expected \(expected)" : "\(file): \(field): expected \(expected)"
        case .sameName(let path): "\(path): two files would have this name"
        case .key(let file, let error): "\(file): \(error.message)"
        case .counterExhausted(let file, let address):
            "\(file): the counter for \(address) has reached its end: make a new signing key, give it to the sink, "
                + "set the counter to 0 on both sides, and restart the sink"
        case .signers(let file, let reason): "\(file): \(reason)"
        case .inUse(let file): "\(file): another sink keeps its counters there; it is left alone"
        case .reportInUse(let file): "\(file): a running sink has this file already: name another one by --status-file"
        case .counterNotStorable(let error):
            "\(error.message); the sink's counter is kept there, unless \"State\" names another file (no mount point)"
        }
    }
}

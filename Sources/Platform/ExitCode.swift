/// The exit codes of the programs, after sysexits.h (docs/files.md).
public enum ExitCode: Int32, Sendable {
    case done = 0
    case failed = 1
    case usage = 64
    case badInput = 65
    case missingInput = 66
    case unavailable = 69
    case cannotCreate = 73
    case permission = 77
}

/// An error that a person is shown: one line that says what, where and what to do, and the code the program ends with.
public protocol Diagnostic: Error, Sendable {
    var exitCode: ExitCode { get }
    /// One line without the program's name and without a final full stop. Never holds a secret.
    var message: String { get }
}

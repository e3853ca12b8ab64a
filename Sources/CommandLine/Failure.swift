import Platform

/// What ends a program: one line and an exit code, made from any module's error.
public struct Failure: Error, Sendable {
    public let exitCode: ExitCode
    public let message: String

    public init(_ exitCode: ExitCode, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    public init(_ error: some Diagnostic) { self.init(error.exitCode, error.message) }

    /// There is no report at `path` yet, or not there: exit 66. `writer` is who would write it.
    public static func noReport(at path: String, by writer: StaticString) -> Failure {
        Failure(
            .missingInput,
            "\(path): not there: a running \(writer.description) writes it where it was started; go there, or name its "
                + "--status-file")
    }

    /// Wrong usage: exit 64.
    public static func usage(_ message: String) -> Failure { Failure(.usage, "\(message); see --help") }
}

/// Runs `body` and turns the error of its module into the program's.
public func attempt<R: ~Copyable, E: Diagnostic>(_ body: () throws(E) -> R) throws(Failure) -> R {
    do throws(E) {
        return try body()
    } catch {
        throw Failure(error)
    }
}

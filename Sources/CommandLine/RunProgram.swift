import Platform

/// Runs a program: options, body, and one line with an exit code where it fails.
public func runProgram<Table: OptionTable>(
    _ table: Table.Type, _ body: (Arguments<Table>) throws(Failure) -> Void
) {
    Process.protectMemory()
    do throws(Failure) {
        guard let arguments = try Arguments<Table>.parse() else { return }
        try body(arguments)
    } catch {
        Terminal.say(Table.program.name, error.message)
        Process.exit(error.exitCode)
    }
}

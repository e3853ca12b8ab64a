import CommandLine
import Platform

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    Process.ignoreWriteSignals()
    if arguments.has(.checkAge) { return try checkAge(arguments) }
    if arguments.has(.status) { return try showStatus(arguments) }
    // Every line says so when what is sent need not be worth anything, the last one too.
    let mark = arguments.has(.softwareOnly) ? "[software only] " : ""
    let say = { (line: String) in Terminal.say(Flag.program.name, mark + line) }
    do throws(Failure) {
        try arguments.has(.selfTest) ? testItself(arguments, say: say) : serve(arguments, say: say)
    } catch {
        throw Failure(error.exitCode, mark + error.message)
    }
}

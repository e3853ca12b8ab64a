import CommandLine

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    let base = try arguments.required(.output)
    guard !base.isEmpty else { throw .usage("--output: a name is expected") }
    if arguments.has(.verify) {
        try verifyAttestation(arguments, base)
    } else if arguments.has(.makeChallenge) {
        try makeChallenge(arguments, base)
    } else if arguments.has(.attest) {
        try attest(arguments, base)
    } else if arguments.has(.inspect) {
        try inspect(arguments, base)
    } else if arguments.has(.key) {
        try useExistingKey(arguments, base)
    } else {
        try makeKey(arguments, base)
    }
}

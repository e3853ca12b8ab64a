import CommandLine
import EntropyCrypto
import EntropySource
import EntropyState
import Platform
import Provisioning
import TPM

// What the program can be asked for.

func show(_ report: Report, _ arguments: Arguments<Flag>) throws(Failure) {
    if arguments.has(.json) { return try Terminal.output(report.encode()) }
    try show(report.lines)
}

/// A table is for a person; what stands in a file may have been put there.
func show(_ lines: [String]) throws(Failure) {
    for line in lines { try Terminal.output(Terminal.printable(line)) }
}

/// Tries what the program is made of, and prints what it is worth.
func testItself(_ arguments: Arguments<Flag>, say: @escaping (String) -> Void) throws(Failure) {
    try arguments.allow(
        [.selfTest, .json, .tcti, .ownerAuthFile, .noise, .noiseFile, .noiseCommand, .softwareOnly],
        with: "--selftest")
    let termination = try attempt { () throws(SystemError) in try Termination() }
    let device = TPMDevice(named: arguments[.tcti], termination: termination)
    try attempt { () throws(ProvisioningError) in
        try device.usePasswords(ownerFile: arguments[.ownerAuthFile], parentFile: nil, warn: say)
    }
    let noise = try NoiseChoice(arguments, tpm: device, isTPMWanted: true, say: say)
    let evidence = try attempt { () throws(SourceError) in
        try Evidence(
            of: noise.sources, isSoftwareEnough: arguments.has(.softwareOnly), clock: .system,
            termination: termination, say: say)
    }
    if arguments.has(.json) {
        try Terminal.output(evidence.encode())
    } else {
        try show(evidence.lines)
    }
    guard !evidence.isInterrupted else { throw Failure(.failed, "the self-test was interrupted") }
    guard evidence.isPassed else { throw Failure(.unavailable, "the self-test failed; what failed is said above") }
}

/// Prints what a source wrote down.
func showStatus(_ arguments: Arguments<Flag>) throws(Failure) {
    try arguments.allow([.status, .statusFile, .json], with: "--status")
    let path = try arguments.required(.statusFile)
    guard Path.exists(path) else { throw .noReport(at: path, by: "source") }
    let report = try attempt { () throws(StateError) in try Report(reading: path) }
    let (now, isRunning) = (Clock.system.unixTime(), ReportLock.isHeld(path))
    if arguments.has(.json) { return try Terminal.output(report.encode(now: now, isRunning: isRunning)) }
    try show(report.lines(now: now, isRunning: isRunning) + [""] + report.noiseLines)
}

/// Tells a monitor whether each sink was served lately, by one line and the codes of Nagios.
func checkAge(_ arguments: Arguments<Flag>) throws(Failure) {
    try arguments.allow([.status, .statusFile, .checkAge], with: "--check-age")
    let (path, limit) = (try arguments.required(.statusFile), try arguments.seconds(.checkAge))
    var (state, text) = (MonitorState.unknown, "\(path): not there: no source wrote it yet")
    if Path.exists(path) {
        do throws(StateError) {
            (state, text) = try Report(reading: path).check(
                age: limit, now: Clock.system.unixTime(), isRunning: ReportLock.isHeld(path))
        } catch {
            text = error.message
        }
    }
    try Terminal.output(Terminal.printable(state.line(text)))
    Process.exit(state)
}

/// Serves the sinks, once or until the program is asked to end.
func serve(_ arguments: Arguments<Flag>, say: @escaping (String) -> Void) throws(Failure) {
    guard !arguments.has(.now) || arguments.has(.once) else { throw .usage("--now goes with --once only") }
    guard !arguments.has(.json) || arguments.has(.once) else {
        throw .usage("--json goes with --once, --status and --selftest only")
    }
    let proxy = Proxy.fromEnvironment()
    let settings = Source.Settings(
        targets: try arguments.required(.targets), seed: try arguments.required(.seed),
        interval: try arguments.seconds(.interval), scan: try arguments.seconds(.scan), earliest: Version.released,
        report: try arguments.required(.statusFile), acceptsCounterJump: arguments.has(.jump),
        parallel: Int(try arguments.integer(.parallel, in: 1...256)), proxy: proxy,
        isFastOpenWanted: arguments.has(.fastOpen), isSoftwareEnough: arguments.has(.softwareOnly),
        isNow: arguments.has(.now), watchdog: ServiceManager.watchdog, identity: MachineIdentity.read())
    let keyPath = try arguments.required(.key)
    let termination = try attempt { () throws(SystemError) in try Termination() }
    // Under the five minutes that the unit's watchdog allows: a source makes no key, only the primary above its own.
    let device = TPMDevice(
        named: arguments[.tcti], termination: termination, deadlines: TPMDeadlines(creation: 240_000))
    device.report = say
    try attempt { () throws(ProvisioningError) in
        try device.usePasswords(
            ownerFile: arguments[.ownerAuthFile], parentFile: arguments[.parentAuthFile], warn: say)
    }
    let key = try attempt { () throws(ProvisioningError) in
        try SigningKey(reading: keyPath, record: .init(arguments[.record]), authFile: arguments[.authFile], warn: say)
    }
    if !key.isInTPM {
        say("\(keyPath) is a software key: whoever copies the file can sign; a TPM key cannot be copied")
    }
    let source = try attempt { () throws(ProvisioningError) in try key.signer(device, warn: say) }
    say(
        "signing with \(source.publicKey.algorithm.name), \(key.isInTPM ? "in the TPM at \(device.configuration)" : "in software")"
    )
    if let name = proxy.name { say("connecting through the proxy \(name)") }
    let noise = try NoiseChoice(
        arguments, tpm: device, isTPMWanted: key.isInTPM || arguments.has(.tcti), say: say)
    say("noise by \(noise.names)")
    let loop = try attempt { () throws(SourceError) in
        try Source(
            settings, signer: source, noise: noise.sources, arrivals: noise.arrivals, clock: .system,
            termination: termination, say: say)
    }
    ServiceManager.ready()
    guard arguments.has(.once) else {
        try attempt { () throws(SourceError) in try loop.run() }
        return say("stopped; the seed is written")
    }
    // The seed is written whatever came of the scan.
    let scanned = Result { () throws(SourceError) in try loop.scan() }
    try attempt { () throws(SourceError) in try loop.finish() }
    let result = try attempt { () throws(SourceError) in try scanned.get() }
    let report = loop.report.ofThisRun
    if arguments.has(.json) {
        try show(report, arguments)
    } else if !report.isEmpty {
        // A table that nobody takes is no reason to call what was served unserved.
        try? show(report, arguments)
    }
    if result.failed > 0 {
        throw Failure(result.exitCode, "\(result.failed) of \(result.failed + result.served) due sinks not served")
    }
}

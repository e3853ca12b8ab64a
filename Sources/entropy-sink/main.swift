import CommandLine
import EntropyCrypto
import EntropySink
import EntropyState
import Platform

enum Flag: Int, OptionTable {
    case configuration, key, pool, check, status, checkAge, statusFile, json

    var option: Option {
        switch self {
        case .configuration: Option("f", "file", "FILE", "the configuration", default: "config.json")
        case .key: Option("k", "key", "FILE", "the private key, where the configuration has none")
        case .pool:
            Option(nil, "pool", "PATH", "mix chunks into this; a regular file is appended to", default: "/dev/random")
        case .check: Option(nil, "check", nil, "read the configuration, say what it means, and exit")
        case .status:
            Option(nil, "status", nil, "print what became of each signer's packets at a running sink, and exit")
        case .checkAge:
            Option(
                nil, "check-age", "TIME",
                "for a monitor: one line; 0 if each signer's last packet is no older, 1 warning, 2 critical, 3 unknown")
        case .statusFile:
            Option(nil, "status-file", "FILE", "where a running sink writes that", default: "sink.status.json")
        case .json: Option(nil, "json", nil, "with --status: one JSON object instead of a table")
        }
    }

    static let program = Program(
        "entropy-sink", "Receives signed chunks of entropy and mixes them into the kernel's pool.",
        notes: """
            The private key is the configuration's, or in the file that --key names, or systemd's credential entropy-sink.key.
            The counter of the last packet is stored in the configuration, or in the file that its "State" names.
            SIGHUP has it read the configuration anew. SIGTERM or SIGINT ends it once the packets that are arriving are
            mixed, within ten seconds; a second one ends it at once.
            """)
}

@Sendable func say(_ line: String) { Terminal.say(Flag.program.name, line) }

func describe(_ configuration: SinkConfiguration, _ key: BoxPrivateKey) throws(Failure) {
    let unnamed = configuration.requiresRecipient ? "refused" : "accepted, as the original's are"
    let age = configuration.maximumAge
    var lines = [
        "listens on   \(configuration.address)",
        "drift        \(configuration.drift) s",
        "public key   \(Base64.encode(key.publicKey.bytes)), as \"Public\" in the source's list",
    ]
    for signer in configuration.signers {
        lines += [
            "signer       \(signer.key.algorithm.name)",
            "fingerprint  \(signer.key.fingerprint), SHA-256 of the signer's public key",
            "counter      \(signer.counter), kept in \(configuration.counterFile.path)",
        ]
    }
    lines += [
        "recipient    packets that name none are \(unnamed)",
        "credit       \(configuration.credit == 0 ? "none" : "\(configuration.credit) bits for each chunk")",
        "limits       \(configuration.limits.text)",
        "maximum age  \(age == 0 ? "none: no signer is missed" : "\(age) s without a packet of a signer, then the log warns")",
    ]
    for line in lines { try Terminal.output(line) }
}

/// What a sink wrote, as old as it is now.
func show(_ arguments: Arguments<Flag>) throws(Failure) {
    let path = try arguments.required(.statusFile)
    guard Path.exists(path) else { throw .noReport(at: path, by: "sink") }
    let file = SinkReportFile(path)
    let report = try attempt { () throws(StateError) in try file.read() }
    let (now, isRunning) = (Clock.system.unixTime(), file.isHeld)
    if arguments.has(.json) { return try Terminal.output(report.encode(now: now, isRunning: isRunning)) }
    for line in report.lines(now: now, isRunning: isRunning) { try Terminal.output(Terminal.printable(line)) }
}

/// Tells a monitor whether a packet of each signer was mixed lately, by one line and the codes of Nagios.
func checkAge(_ arguments: Arguments<Flag>) throws(Failure) {
    try arguments.allow([.status, .statusFile, .checkAge], with: "--check-age")
    let (path, limit) = (try arguments.required(.statusFile), try arguments.seconds(.checkAge))
    let file = SinkReportFile(path)
    var (state, text) = (MonitorState.unknown, "\(path): not there: no sink wrote it yet")
    if Path.exists(path) {
        do throws(StateError) {
            (state, text) = try file.read().check(age: limit, now: Clock.system.unixTime(), isRunning: file.isHeld)
        } catch {
            text = error.message
        }
    }
    try Terminal.output(Terminal.printable(state.line(text)))
    Process.exit(state)
}

/// What a program that was killed left beside the configuration may hold the private key.
func removeLeftOvers(of path: String) {
    do throws(SystemError) {
        try StateFile.removeLeftOvers(of: path)
    } catch {
        say(
            "\(path): what a killed program left beside it (.\(Path.name(of: path)).new) may hold a key; remove it: \(error.message)"
        )
    }
}

/// Looks after a sink until it shall end, or listens no more.
func serve(
    _ listener: Listener, _ log: Log, until termination: Termination, _ reload: Reload, reread: () -> Void
) {
    // systemd wants to hear of it twice as often as it would give up: of the threads that do the work, not of this one.
    let pause = min(5000, max(100, (ServiceManager.watchdog ?? 20_000) / 3))
    while listener.isListening {
        if listener.isWorking() { ServiceManager.alive() }
        log.flush()
        listener.look()
        switch reload.wait(termination, milliseconds: pause) {
        case .end: return
        case .reload: reread()
        case .nothing: break
        }
    }
}

/// The configuration, and the key that goes with it.
func read(_ path: String, _ key: SinkKey) throws(Failure) -> (SinkConfiguration, BoxPrivateKey) {
    try attempt { () throws(StateError) in
        let configuration = try SinkConfiguration(reading: path, warn: say)
        return (configuration, try key.key(of: configuration, path, warn: say))
    }
}

/// Reads the configuration anew; a bad one changes nothing.
func reread(_ path: String, _ key: SinkKey, _ listener: Listener) {
    ServiceManager.reloading()
    defer { ServiceManager.ready() }
    do throws(Failure) {
        let (configuration, key) = try read(path, key)
        try attempt { () throws(SinkError) in try listener.reload(configuration, key: key) }
        say("read \(path) anew: \(counters(configuration.signers))")
    } catch {
        say("\(error.message); going on as before")
    }
}

/// "counter 5", or with several signers "counters 5 (c82e8cc2), 0 (6f3ae16f)".
func counters(_ signers: [KnownSigner]) -> String {
    guard signers.count > 1 else { return "counter \(signers.first?.counter ?? 0)" }
    return "counters " + signers.map { "\($0.counter) (\($0.label))" }.joined(separator: ", ")
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    if arguments.has(.checkAge) { return try checkAge(arguments) }
    if arguments.has(.status) {
        try arguments.allow([.status, .statusFile, .json], with: "--status")
        return try show(arguments)
    }
    guard !arguments.has(.json) else { throw .usage("--json goes with --status only") }
    let path = try arguments.required(.configuration)
    let keyPlace = SinkKey(arguments[.key])
    let (configuration, key) = try read(path, keyPlace)
    if arguments.has(.check) { return try describe(configuration, key) }
    let pool = try arguments.required(.pool)
    let report = try arguments.required(.statusFile)
    guard !Path.isSameFile(pool, report) else {
        throw .usage("--status-file \(report): it is the --pool, which would be replaced")
    }
    removeLeftOvers(of: path)
    if configuration.ownKey != nil, configuration.counterFile.path.utf8.elementsEqual(path.utf8) {
        say(
            "\(path) has the private key and the counters: the key is read and written with each of them; better is a key "
                + "file (--key), or a file for the counters (State)")
    }
    Process.ignoreWriteSignals()
    let (termination, reload) = try attempt { () throws(SystemError) in (try Termination(), try Reload()) }
    let log = Log(clock: .system, say: say)
    let listener = try attempt { () throws(SinkError) in
        try Listener(configuration, key: key, pool: pool, report: report, clock: .system, log: log)
    }
    if configuration.credit > 0 {
        say(
            "Credit is \(configuration.credit): whoever holds a signing key says when this kernel's pool is full; "
                + "chunks count without it, too")
    }
    say("listening on \(listener.address), \(counters(configuration.signers)), mixing into \(pool)")
    ServiceManager.ready()
    serve(listener, log, until: termination, reload) { reread(path, keyPlace, listener) }
    ServiceManager.stopping()
    let isListening = listener.isListening
    listener.stop()
    guard isListening else {
        throw Failure(.unavailable, "the listening socket was closed by an error of the system")
    }
    say("stopped")
}

import CommandLine
import EntropyCrypto
import EntropySource
import EntropyState
import Platform
import Provisioning
import TPM

enum Flag: Int, OptionTable {
    case key, authFile, record, seed, targets, tcti, interval, scan, parallel, once, jump, status, statusFile, json

    var option: Option {
        switch self {
        case .key:
            Option(
                "k", "key", "KEY", "the signing key, a file or handle:0x81......; a file says itself who signs",
                default: "signer.key")
        case .authFile: Option(nil, "auth-file", "FILE", "the password of a key in the TPM")
        case .record:
            Option(nil, "record", "FILE", "what is known of the key's TPM (default signer.tpm.json for signer.key)")
        case .seed: Option("s", "seed", "FILE", "Fortuna's seed", default: "source.seed")
        case .targets: Option("t", "targets", "FILE", "the list of sinks", default: "targets.json")
        case .tcti: Option(nil, "tcti", "CONF", "the TPM (default $TPM2TOOLS_TCTI, else device:/dev/tpmrm0)")
        case .interval:
            Option(
                nil, "interval", "TIME", "from one packet for a sink to the next, a tenth more or less", default: "6h")
        case .scan: Option(nil, "scan", "TIME", "from one look at the list to the next", default: "60s")
        case .parallel:
            Option(
                nil, "parallel", "NUMBER", "deliveries at once, at the most; fewer on a slow link", default: "32")
        case .once:
            Option(nil, "once", nil, "scan once, print what came of it; exit 0 only when every due sink was served")
        case .jump: Option(nil, "accept-counter-jump", nil, "believe a sink whose counter is far above ours")
        case .status: Option(nil, "status", nil, "print what became of a running source's last deliveries, and exit")
        case .statusFile:
            Option(nil, "status-file", "FILE", "where a running source writes that", default: "source.status.json")
        case .json: Option(nil, "json", nil, "with --once and --status: one JSON object instead of a table")
        }
    }

    static let program = Program(
        "entropy-source", "Sends chunks of entropy, signed by a TPM, to the sinks in a list.",
        notes: """
            Connections go through the proxy that all_proxy, https_proxy or http_proxy names, but for the hosts in no_proxy.
            TIME is a number of seconds, or one with s, m, h or d. The list is read anew on every scan.
            SIGTERM or SIGINT ends the program after what it is doing; a second one ends it at once.
            """)
}

func say(_ line: String) { Terminal.say(Flag.program.name, line) }

func show(_ report: Report, _ arguments: Arguments<Flag>) throws(Failure) {
    if arguments.has(.json) { return try Terminal.output(report.encode()) }
    // A table is for a person; what stands in the file may have been put there.
    for line in report.lines { try Terminal.output(Terminal.printable(line)) }
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    if arguments.has(.status) {
        try arguments.allow([.status, .statusFile, .json], with: "--status")
        let path = try arguments.required(.statusFile)
        return try show(try attempt { () throws(StateError) in try Report(reading: path) }, arguments)
    }
    guard !arguments.has(.json) || arguments.has(.once) else {
        throw .usage("--json goes with --once and --status only")
    }
    let proxy = Proxy.fromEnvironment()
    let settings = Source.Settings(
        targets: try arguments.required(.targets), seed: try arguments.required(.seed),
        interval: try arguments.seconds(.interval), scan: try arguments.seconds(.scan), earliest: Version.released,
        report: try arguments.required(.statusFile), acceptsCounterJump: arguments.has(.jump),
        parallel: Int(try arguments.integer(.parallel, in: 1...256)), proxy: proxy)
    let keyPath = try arguments.required(.key)
    Process.ignoreWriteSignals()
    let termination = try attempt { () throws(SystemError) in try Termination() }
    let device = TPMDevice(named: arguments[.tcti])
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
    let noise: [any NoiseSource] = key.isInTPM ? [KernelNoise(), TPMNoise(device)] : [KernelNoise()]
    let loop = try attempt { () throws(SourceError) in
        try Source(settings, signer: source, noise: noise, clock: .system, termination: termination, say: say)
    }
    guard arguments.has(.once) else {
        try attempt { () throws(SourceError) in try loop.run() }
        return say("stopped; the seed is written")
    }
    // The seed is written whatever came of the scan.
    let scanned = Result { () throws(SourceError) in try loop.scan() }
    try attempt { () throws(SourceError) in try loop.finish() }
    let result = try attempt { () throws(SourceError) in try scanned.get() }
    if arguments.has(.json) {
        try show(loop.report, arguments)
    } else if !loop.report.isEmpty {
        // A table that nobody takes is no reason to call what was served unserved.
        try? show(loop.report, arguments)
    }
    if result.failed > 0 {
        throw Failure(result.exitCode, "\(result.failed) of \(result.failed + result.served) due sinks not served")
    }
    if result.served == 0 { say("no sink is due") }
}

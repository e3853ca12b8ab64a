import CommandLine

enum Flag: Int, OptionTable {
    case key, authFile, parentAuthFile, ownerAuthFile, record, seed, targets, tcti, interval, scan, parallel, fastOpen,
        once, now, jump, status, checkAge, statusFile, selfTest, json, noise, noiseFile, noiseCommand, softwareOnly

    var option: Option {
        switch self {
        case .key:
            Option(
                "k", "key", "KEY", "the signing key, a file or handle:0x81......; a file says itself who signs",
                default: "signer.key")
        case .authFile:
            Option(
                nil, "auth-file", "FILE",
                "the password of a key in the TPM (default systemd's credential entropy-source.auth)"
            )
        case .parentAuthFile:
            Option(nil, "parent-auth-file", "FILE", "the password of the key's parent, where the TPM keeps that")
        case .ownerAuthFile:
            Option(nil, "owner-auth-file", "FILE", "the password of the TPM's owner, where it is needed")
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
        case .fastOpen:
            Option(
                nil, "fast-open", nil,
                "send a packet with the first segment to sinks that take it (TCP Fast Open): for addresses that stay")
        case .once:
            Option(nil, "once", nil, "scan once, print what came of it; exit 0 only when every due sink was served")
        case .now: Option(nil, "now", nil, "with --once: serve every sink of the list, due or not")
        case .jump: Option(nil, "accept-counter-jump", nil, "believe a sink whose counter is far above ours")
        case .status:
            Option(nil, "status", nil, "print what became of the last deliveries, and whether a source runs, and exit")
        case .checkAge:
            Option(
                nil, "check-age", "TIME",
                "for a monitor: one line, and 0 if each sink was served within that time, 1 warning, 2 critical, 3 unknown"
            )
        case .statusFile:
            Option(nil, "status-file", "FILE", "where a source writes that", default: "source.status.json")
        case .selfTest:
            Option(nil, "selftest", nil, "try each noise source and Fortuna, print what they are worth, and exit")
        case .json:
            Option(nil, "json", nil, "with --once, --status and --selftest: one JSON object instead of a table")
        case .noise:
            Option(
                nil, "noise", "LIST",
                "noise sources, of tpm,hwrng,jitter,kernel,arrivals (default: all that are there)")
        case .noiseFile: Option(nil, "noise-file", "FILE", "a file or device as one more, for experiments")
        case .noiseCommand: Option(nil, "noise-command", "CMD", "what a shell command prints as one more")
        case .softwareOnly:
            Option(nil, "software-only", nil, "for tests: send although no physical noise source is healthy")
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

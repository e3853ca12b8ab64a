import CommandLine
import EntropyCrypto
import EntropyState
import Platform

enum Flag: Int, OptionTable {
    case address, key, separate, signer, drift, state, add, remove, file

    var option: Option {
        switch self {
        case .address: Option("a", "address", "[HOST]:PORT", "where the sink listens", default: ":9437")
        case .key: Option("k", "key", "FILE", "the sink's private key", default: "decrypt.key")
        case .separate:
            Option(nil, "without-private", nil, "leave the private key out: the sink has it in a file of its own")
        case .signer: Option("s", "signer", "FILE", "the source's public signing key", default: "signer.pub")
        case .drift: Option("d", "drift", "SECONDS", "the greatest difference of the clocks", default: "120")
        case .state: Option(nil, "state", "FILE", "where the sink keeps its counters, instead of the configuration")
        case .add: Option(nil, "add-signer", "FILE", "take this source's packets too: changes --file in place")
        case .remove:
            Option(
                nil, "remove-signer", "FILE",
                "take this source's packets no longer, also by its key's fingerprint: likewise")
        case .file:
            Option("f", "file", "FILE", "the configuration that the two change", default: "config.json")
        }
    }

    static let program = Program(
        "entropy-config", "Makes a sink's configuration, or brings another source into one.",
        notes: """
            It goes to standard output as JSON and holds the private key, but for --without-private: keep the file to yourself.
            example: (umask 077; entropy-config -k decrypt.key -s signer.pub > config.json)
            Each signer has a counter of its own. A sink that runs reads its configuration anew on SIGHUP.
            """)
}

func say(_ line: String) { Terminal.say(Flag.program.name, line) }

func readKey(_ path: String) throws(Failure) -> PublicKey {
    try attempt { () throws(StateError) in try PublicKey.read(path) }
}

/// The signer of a configuration that has this fingerprint: its file may be gone.
func find(_ fingerprint: String, in path: String) throws(Failure) -> PublicKey? {
    guard fingerprint.utf8.count == 64 else { return nil }
    let configuration = try attempt { () throws(StateError) in try SinkConfiguration(reading: path, warn: { _ in }) }
    return configuration.signers.first { Text.areEqual($0.key.fingerprint, fingerprint) }?.key
}

/// Changes the signers of a configuration that is there.
func edit(_ arguments: Arguments<Flag>) throws(Failure) {
    try arguments.allow([.add, .remove, .file], with: "--add-signer and --remove-signer")
    let path = try arguments.required(.file)
    let added = try arguments[.add].map { (keyPath) throws(Failure) in try readKey(keyPath) }
    let removed = try arguments[.remove].map { (name) throws(Failure) in
        if let key = try find(name, in: path) { return key }
        return try readKey(name)
    }
    let count = try attempt { () throws(StateError) in
        try SignerEditor(path).change(adding: added, removing: removed)
    }
    if let removed {
        say(
            "removed the signer with the fingerprint \(removed.fingerprint); a sink that runs may take its packets until then"
        )
    }
    if let added { say("added the signer with the fingerprint \(added.fingerprint)") }
    say("\(path) has \(count == 1 ? "one signer" : "\(count) signers") now; have the sink read it anew by SIGHUP")
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    if arguments.has(.add) || arguments.has(.remove) { return try edit(arguments) }
    guard !arguments.has(.file) else { throw .usage("--file goes with --add-signer and --remove-signer only") }
    let address = try arguments.required(.address)
    if case .failure(let expected) = Endpoint.parse(address, for: .listening) {
        throw .usage("--address \(address): expected \(expected.text)")
    }
    let drift = try arguments.integer(.drift, in: 0...(.max))
    let (isSeparate, state) = (arguments.has(.separate), arguments[.state])
    guard !isSeparate || !arguments.has(.key) else { throw .usage("--key does not go with --without-private") }
    guard state?.isEmpty != true else { throw .usage("--state: a file's path is expected") }
    let (keyPath, signerPath) = (try arguments.required(.key), try arguments.required(.signer))
    var configuration = try attempt { () throws(StateError) in
        let key = isSeparate ? nil : try BoxPrivateKey.read(keyPath, warn: say)
        return SinkConfiguration.encode(
            address: address, drift: drift, privateKey: key, signer: try PublicKey.read(signerPath), state: state)
    }
    defer { wipe(&configuration) }
    try Terminal.output(configuration)
}

import CommandLine
import EntropyCrypto
import EntropyState
import Platform

enum Flag: Int, OptionTable {
    case address, key, separate, signer, drift, state, output, force, add, remove, file

    var option: Option {
        switch self {
        case .address: Option("a", "address", "[HOST]:PORT", "where the sink listens", default: ":9437")
        case .key: Option("k", "key", "FILE", "the sink's private key", default: "decrypt.key")
        case .separate:
            Option(nil, "without-private", nil, "leave the private key out: the sink has it in a file of its own")
        case .signer: Option("s", "signer", "FILE", "the source's public signing key", default: "signer.pub")
        case .drift: Option("d", "drift", "SECONDS", "the greatest difference of the clocks", default: "120")
        case .state: Option(nil, "state", "FILE", "where the sink keeps its counters, instead of the configuration")
        case .output:
            Option("o", "output", "FILE", "write the configuration there, whole or not at all, instead of printing it")
        case .force: Option(nil, "force", nil, "replace the file if it exists; its counters are lost")
        case .add: Option(nil, "add-signer", "FILE", "take this source's packets too: changes --file in place")
        case .remove:
            Option(
                nil, "remove-signer", "FILE",
                "take this source's packets no longer; also the beginning of its fingerprint: likewise")
        case .file:
            Option("f", "file", "FILE", "the configuration that the two change", default: "config.json")
        }
    }

    static let program = Program(
        "entropy-config", "Makes a sink's configuration, or brings another source into one.",
        notes: """
            The configuration is JSON and holds the private key, but for --without-private. With the key the file has mode 0600.
            example: entropy-config -k decrypt.key -s signer.pub -o config.json
            Each signer has a counter of its own. A sink that runs reads its configuration anew on SIGHUP.
            """)
}

func say(_ line: String) { Terminal.say(Flag.program.name, line) }

func readKey(_ path: String) throws(Failure) -> PublicKey {
    try attempt { () throws(StateError) in try PublicKey.read(path) }
}

/// The key in the file of that name, or else the one of the configuration's signer whose fingerprint begins so: its file may
/// be gone.
func findKey(_ name: String, in editor: SignerEditor) throws(Failure) -> PublicKey {
    if Path.exists(name) || !SignerEditor.isFingerprint(name) { return try readKey(name) }
    return try attempt { () throws(StateError) in try editor.find(name) }
}

/// Changes the signers of a configuration that is there.
func edit(_ arguments: Arguments<Flag>) throws(Failure) {
    try arguments.allow([.add, .remove, .file], with: "--add-signer and --remove-signer")
    let path = try arguments.required(.file)
    let added = try arguments[.add].map { (keyPath) throws(Failure) in try readKey(keyPath) }
    let editor = SignerEditor(path)
    let removed = try arguments[.remove].map { (name) throws(Failure) in try findKey(name, in: editor) }
    let count = try attempt { () throws(StateError) in try editor.change(adding: added, removing: removed) }
    if let removed { say("removed the signer with the fingerprint \(removed.fingerprint)") }
    if let added { say("added the signer with the fingerprint \(added.fingerprint)") }
    let until = removed == nil ? "" : ": until then it may take packets of the removed one"
    say(
        "\(path) has \(count == 1 ? "one signer" : "\(count) signers") now; have a running sink read it anew by SIGHUP\(until)"
    )
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
    guard arguments.has(.output) || !arguments.has(.force) else { throw .usage("--force goes with --output only") }
    let output = arguments[.output]
    guard output?.isEmpty != true else { throw .usage("--output: a file's path is expected") }
    let (keyPath, signerPath) = (try arguments.required(.key), try arguments.required(.signer))
    // The name is claimed before a key is read.
    let file = try output.map { (path) throws(Failure) in
        try attempt { () throws(StateError) in try NewFiles([path], force: arguments.has(.force)) }
    }
    var configuration = try attempt { () throws(StateError) in
        let key = isSeparate ? nil : try BoxPrivateKey.read(keyPath, warn: say)
        return SinkConfiguration.encode(
            address: address, drift: drift, privateKey: key, signer: try PublicKey.read(signerPath), state: state)
    }
    defer { wipe(&configuration) }
    guard let file, let output else { return try Terminal.output(configuration) }
    try attempt { () throws(StateError) in
        try file.write([isSeparate ? .open(configuration) : .secret(configuration)])
    }
    say("wrote \(output)\(isSeparate ? "" : "; the sink's private key is in it: keep it to yourself")")
}

import CommandLine
import EntropyCrypto
import EntropyState

enum Flag: Int, OptionTable {
    case address, key, signer, drift

    var option: Option {
        switch self {
        case .address: Option("a", "address", "[HOST]:PORT", "where the sink listens", default: ":9437")
        case .key: Option("k", "key", "FILE", "the sink's private key", default: "decrypt.key")
        case .signer: Option("s", "signer", "FILE", "the source's public signing key", default: "signer.pub")
        case .drift: Option("d", "drift", "SECONDS", "the greatest difference of the clocks", default: "120")
        }
    }

    static let program = Program(
        "entropy-config", "Makes a sink's configuration.",
        notes: """
            It goes to standard output as JSON and holds the private key: keep the file to yourself.
            example: (umask 077; entropy-config -k decrypt.key -s signer.pub > config.json)
            """)
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    let address = try arguments.required(.address)
    if case .failure(let expected) = Endpoint.parse(address, for: .listening) {
        throw .usage("--address \(address): expected \(expected.text)")
    }
    let drift = try arguments.integer(.drift, in: 0...(.max))
    let (keyPath, signerPath) = (try arguments.required(.key), try arguments.required(.signer))
    var configuration = try attempt { () throws(StateError) in
        let key = try BoxPrivateKey.read(keyPath) { Terminal.say(Flag.program.name, $0) }
        return SinkConfiguration.encode(
            address: address, drift: drift, privateKey: key, signer: try PublicKey.read(signerPath))
    }
    defer { wipe(&configuration) }
    try Terminal.output(configuration)
}

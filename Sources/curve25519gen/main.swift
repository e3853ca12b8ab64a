import CommandLine
import EntropyCrypto
import EntropyState

enum Flag: Int, OptionTable {
    case pem, output, force

    var option: Option {
        switch self {
        case .pem: Option("a", "pem", nil, "write PEM instead of 32 raw bytes")
        case .output: Option("o", "output", "BASE", "write BASE.key and BASE.pub", default: "decrypt")
        case .force: Option(nil, "force", nil, "replace the files if they exist")
        }
    }

    static let program = Program(
        "curve25519gen", "Makes a sink's key pair: BASE.key for the sink alone, BASE.pub for the source.",
        notes: "BASE.key is readable by its owner only. Nothing is overwritten without --force.")
}

func encode(_ bytes: [UInt8], _ label: StaticString, pem: Bool) throws(CryptoError) -> [UInt8] {
    pem ? try PEM(label: label.description, der: bytes).encode() : bytes
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    let base = try arguments.required(.output)
    guard !base.isEmpty else { throw .usage("--output: a name is expected") }
    let files = try attempt { () throws(StateError) in try KeyPairFiles(base: base, force: arguments.has(.force)) }
    let key = BoxPrivateKey()
    var secret = key.copyBytes()
    defer { wipe(&secret) }
    let (privateFile, publicFile) = try attempt { () throws(CryptoError) in
        let pem = arguments.has(.pem)
        return (
            try encode(secret, BoxPrivateKey.label, pem: pem),
            try encode(key.publicKey.bytes, BoxPublicKey.label, pem: pem)
        )
    }
    try attempt { () throws(StateError) in try files.write(privateKey: privateFile, publicKey: publicFile) }
    Terminal.say(
        Flag.program.name, "wrote \(files.privatePath) (for the sink alone) and \(files.publicPath) (for the source)")
}

import CommandLine
import EntropyCrypto
import EntropyState
import Platform
import Provisioning
import TPM

enum Flag: Int, OptionTable {
    case pem, output, bits, key, algorithm, tcti, software, force

    var option: Option {
        switch self {
        case .pem: Option("a", "pem", nil, "write BASE.pub, and a software key, in PEM instead of DER")
        case .output: Option("o", "output", "BASE", "write BASE.key and BASE.pub", default: "signer")
        case .bits: Option("s", "bits", "BITS", "the size of an RSA key, 2048 to 4096", default: "2048")
        case .key: Option(nil, "key", "FILE", "make no key: write only the public half of this one to BASE.pub")
        case .algorithm: Option(nil, "algorithm", "NAME", "rsa, or ecdsa for P-256 and smaller packets", default: "rsa")
        case .tcti: Option(nil, "tcti", "CONF", "the TPM (default $TPM2TOOLS_TCTI, else device:/dev/tpmrm0)")
        case .software: Option(nil, "software", nil, "make a key without a TPM, for testing")
        case .force: Option(nil, "force", nil, "replace the files if they exist")
        }
    }

    static let program = Program(
        "rsagen", "Makes a source's signing key inside a TPM 2.0 and exports its public half for the sinks.",
        notes: """
            BASE.key is a TSS2 PRIVATE KEY that only this TPM can use, BASE.pub the public key in PKIX.
            Nothing is overwritten without --force. Making an RSA key may take a minute on hardware.
            """)
}

func say(_ line: String) { Terminal.say(Flag.program.name, line) }

func chosenAlgorithm(_ arguments: Arguments<Flag>) throws(Failure) -> KeyAlgorithm {
    let name = try arguments.required(.algorithm)
    if name.utf8.elementsEqual("ecdsa".utf8) {
        guard !arguments.has(.bits) else { throw .usage("--bits is for RSA keys; P-256 has one size") }
        return .ecdsaP256
    }
    guard name.utf8.elementsEqual("rsa".utf8) else { throw .usage("--algorithm \(name): expected rsa or ecdsa") }
    return .rsa(bits: Int32(clamping: try arguments.integer(.bits, in: 2048...4096)))
}

func exportPublicHalf(of path: String, _ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    let key = try attempt { () throws(ProvisioningError) in try SigningKey(reading: path, warn: say) }
    let file = try attempt { () throws(CryptoError) in try key.publicKey.file(pem: arguments.has(.pem)) }
    try attempt { () throws(StateError) in
        try KeyPairFiles.write(publicKey: file, to: base + ".pub", force: arguments.has(.force))
    }
    say("wrote \(base).pub, \(key.publicKey.algorithm.name)")
}

func makeKey(_ arguments: Arguments<Flag>, _ base: String) throws(Failure) {
    guard !(arguments.has(.software) && arguments.has(.tcti)) else { throw .usage("--software takes no --tcti") }
    let algorithm = try chosenAlgorithm(arguments)
    let files = try attempt { () throws(StateError) in try KeyPairFiles(base: base, force: arguments.has(.force)) }
    let pem = arguments.has(.pem)
    let key: NewSigningKey
    if arguments.has(.software) {
        key = try attempt { () throws(ProvisioningError) in try NewSigningKey.makeSoftware(algorithm, pem: pem) }
    } else {
        let device = TPMDevice(named: arguments[.tcti])
        say("making the key, \(algorithm.shortName), in the TPM at \(device.configuration); this may take a minute")
        key = try attempt { () throws(ProvisioningError) in try NewSigningKey.make(algorithm, in: device) }
    }
    var privateFile = key.privateFile
    defer { wipe(&privateFile) }
    let publicFile = try attempt { () throws(CryptoError) in try key.publicKey.file(pem: pem) }
    try attempt { () throws(StateError) in try files.write(privateKey: privateFile, publicKey: publicFile) }
    say("wrote \(files.privatePath) and \(files.publicPath), \(algorithm.name)")
    if let attributes = key.attributes {
        say("the TPM reports its attributes: \(attributes)")
    } else {
        say("\(files.privatePath) is a software key: whoever copies the file can sign; use it for tests")
    }
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    let base = try arguments.required(.output)
    guard !base.isEmpty else { throw .usage("--output: a name is expected") }
    if let path = arguments[.key] {
        for (option, name) in [
            (Flag.bits, "--bits"), (.algorithm, "--algorithm"), (.tcti, "--tcti"), (.software, "--software"),
        ] where arguments.has(option) { throw .usage("\(name) does not go with --key: no key is made") }
        try exportPublicHalf(of: path, arguments, base)
    } else {
        try makeKey(arguments, base)
    }
}

import CommandLine
import EntropyCrypto
import EntropyState

enum Flag: Int, OptionTable {
    case address, key, counter, next, append

    var option: Option {
        switch self {
        case .address: Option("a", "address", "HOST:PORT", "where the sink listens; needed")
        case .key: Option("k", "key", "FILE", "the sink's public key", default: "decrypt.pub")
        case .counter: Option("c", "counter", "NUMBER", "the counter of the last packet sent to it", default: "0")
        case .next: Option("t", "next", "TIME", "the Unix time of its first packet", default: "0")
        case .append: Option(nil, "append", "FILE", "add the entry to this list instead of printing it")
        }
    }

    static let program = Program(
        "entropy-target", "Makes an entry for a source's list of sinks.",
        notes: """
            The entry goes to standard output as JSON; --append adds it to a list, which is created when it is missing.
            example: entropy-target -a sink.example.org:9437 -k decrypt.pub --append targets.json
            """)
}

runProgram(Flag.self) { (arguments: Arguments<Flag>) throws(Failure) in
    let address = try arguments.required(.address)
    let endpoint: Endpoint
    switch Endpoint.parse(address, for: .connecting) {
    case .success(let parsed): endpoint = parsed
    case .failure(let expected): throw .usage("--address \(address): expected \(expected.text)")
    }
    let counter = try arguments.integer(.counter, in: .min ... .max)
    let next = try arguments.integer(.next, in: .min ... .max)
    let keyPath = try arguments.required(.key)
    let key = try attempt { () throws(StateError) in try BoxPublicKey.read(keyPath) }
    let target = Target(address: address, endpoint: endpoint, publicKey: key, counter: counter, next: next)
    guard let list = arguments[.append] else { return try Terminal.output(target.encode()) }
    try attempt { () throws(StateError) in try TargetList(list).append(target) }
    Terminal.say(Flag.program.name, "added \(target.address) to \(list)")
}

import CommandLine
import EntropySource
import Platform
import TPM

/// The noise sources that the options choose.
struct NoiseChoice {
    private(set) var sources: [any NoiseSource] = []
    private(set) var arrivals: ArrivalNoise?

    /// Without `--noise`: all that this machine has; the TPM where it is wanted, that is, where the program needs one anyway.
    /// Says which ones it has not.
    init(
        _ arguments: Arguments<Flag>, tpm: @autoclosure () -> TPMDevice, isTPMWanted: Bool, say: (String) -> Void
    ) throws(Failure) {
        if let list = arguments[.noise] {
            for kind in try NoiseChoice.parse(list) { add(kind, tpm) }
        } else {
            if isTPMWanted { add(.tpm, tpm) }
            var missing: [String] = []
            for source in [StreamNoise.hardware(), StreamNoise.jitter()] {
                guard !(source.isTPM && isTPMWanted) else {
                    missing.append("\(source.name): it is the TPM once more (\(source.origin))")
                    continue
                }
                do throws(NoiseError) {
                    try source.probe()
                    sources.append(source)
                } catch {
                    missing.append(error.message)
                }
            }
            add(.kernel, tpm)
            add(.arrivals, tpm)
            if !missing.isEmpty { say("not among the noise sources: \(missing.joined(separator: "; "))") }
        }
        for line in warnings(tpm) { say(line) }
        if let path = arguments[.noiseFile] { sources.append(StreamNoise.file(path)) }
        if let command = arguments[.noiseCommand] { sources.append(StreamNoise.command(command)) }
    }

    /// What counts as physical and need not be.
    private func warnings(_ tpm: () -> TPMDevice) -> [String] {
        var lines: [String] = []
        if sources.contains(where: { $0.kind == .tpm }), tpm().isSimulated {
            lines.append("the TPM is a program: its noise is worth what that program's machine has")
        }
        if let source = sources.first(where: { Text.begins($0.origin, with: "virtio_rng") }) {
            lines.append("\(source.name) (\(source.origin)) hands on the host's noise: it is worth what the host has")
        }
        return lines
    }

    /// For the log: their names, with commas between them.
    var names: String {
        sources.map { $0.origin.isEmpty ? $0.name : "\($0.name) (\($0.origin))" }.joined(separator: ", ")
    }

    private static func parse(_ list: String) throws(Failure) -> [NoiseKind] {
        var kinds: [NoiseKind] = []
        for word in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let name = String(decoding: word, as: UTF8.self)
            let kind = NoiseKind.allCases.first { Text.areEqual($0.word.description, name) }
            guard let kind, kind != .file, kind != .command, !kinds.contains(kind) else {
                throw .usage(
                    "--noise \(list): each of tpm, hwrng, jitter, kernel and arrivals once, with commas between them")
            }
            kinds.append(kind)
        }
        return kinds
    }

    private mutating func add(_ kind: NoiseKind, _ tpm: () -> TPMDevice) {
        switch kind {
        case .tpm: sources.append(TPMNoise(tpm()))
        case .hwrng: sources.append(StreamNoise.hardware())
        case .jitter: sources.append(StreamNoise.jitter())
        case .kernel: sources.append(KernelNoise())
        case .arrivals:
            let noise = ArrivalNoise()
            arrivals = noise
            sources.append(noise)
        // They have options of their own.
        case .file, .command: break
        }
    }
}

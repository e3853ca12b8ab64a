/// What a noise source is.
public enum NoiseKind: Int, Sendable, CaseIterable {
    case tpm, hwrng, jitter, kernel, arrivals, file, command

    /// For `--noise`.
    public var word: StaticString {
        switch self {
        case .tpm: "tpm"
        case .hwrng: "hwrng"
        case .jitter: "jitter"
        case .kernel: "kernel"
        case .arrivals: "arrivals"
        case .file: "file"
        case .command: "command"
        }
    }

    /// The min-entropy that is claimed, in bits per byte; the health tests' cutoffs follow from it (docs/noise.md says where it
    /// comes from).
    public var entropy: Double {
        switch self {
        case .tpm, .jitter, .kernel: 8
        case .hwrng: 4
        case .arrivals, .file, .command: 1
        }
    }

    /// Its noise comes from physics, not from a program's state, and not by way of getrandom(2): one such source has to be
    /// healthy for anything to be sent.
    public var isPhysical: Bool {
        switch self {
        case .tpm, .hwrng, .jitter: true
        // Arrivals are seen by whoever is on the link, and a file or a command may be anything.
        case .kernel, .arrivals, .file, .command: false
        }
    }

    /// It gives what came of itself, and cannot be asked for more.
    public var isPaced: Bool { self == .arrivals }
}

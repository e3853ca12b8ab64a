import Platform

/// Noise that is read from a device, a generator of the kernel, a file or a command. What fails is opened anew at the next
/// try.
public final class StreamNoise: NoiseSource {
    public let kind: NoiseKind
    public let name: String
    public let origin: String
    private let open: () throws(SystemError) -> ByteStream
    private var stream: ByteStream?

    /// Milliseconds that one try may take: a kilobyte from the slowest of them.
    private static let patience: Int64 = 5_000

    private init(
        _ kind: NoiseKind, _ name: String, origin: String = "", _ open: @escaping () throws(SystemError) -> ByteStream
    ) {
        self.kind = kind
        self.name = name
        self.origin = origin
        self.open = open
    }

    /// The machine's own generator, by the kernel's driver.
    public static func hardware() -> StreamNoise {
        let driver = hardwareDriver()
        return StreamNoise(.hwrng, "/dev/hwrng", origin: Text.areEqual(driver, noDriver) ? "" : driver) {
            () throws(SystemError) in
            try ByteStream(file: "/dev/hwrng")
        }
    }

    /// The driver's name for the generator that `/dev/hwrng` reads from at present; empty where the kernel does not say.
    private static func hardwareDriver() -> String {
        guard let bytes = FileDescriptor.contents(ofSmall: "/sys/class/misc/hw_random/rng_current") else { return "" }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// The kernel's word for none.
    private static let noDriver = "none"

    /// True for a `/dev/hwrng` that asks the TPM.
    public var isTPM: Bool { kind == .hwrng && Text.begins(origin, with: "tpm-rng") }

    /// CPU timing jitter, by the kernel's jitterentropy.
    public static func jitter() -> StreamNoise {
        let name = "jitterentropy_rng"
        return StreamNoise(.jitter, name) { () throws(SystemError) in try ByteStream(kernelGenerator: name) }
    }

    public static func file(_ path: String) -> StreamNoise {
        StreamNoise(.file, path) { () throws(SystemError) in try ByteStream(file: path) }
    }

    /// What a shell command prints.
    public static func command(_ text: String) -> StreamNoise {
        StreamNoise(.command, "command `\(text)`") { () throws(SystemError) in try ByteStream(command: text) }
    }

    /// Fails where it is not there, or not for this process. Reads nothing.
    public func probe() throws(NoiseError) {
        try openOnce()
        // That device can be opened with nothing behind it; only a read would tell.
        guard kind != .hwrng || !Text.areEqual(StreamNoise.hardwareDriver(), StreamNoise.noDriver) else {
            throw explain(.lackOfDevice(name))
        }
    }

    private func openOnce() throws(NoiseError) {
        do throws(SystemError) { if stream == nil { stream = try open() } } catch { throw explain(error) }
    }

    public func gather(_ count: Int) throws(NoiseError) -> [UInt8] {
        try openOnce()
        do throws(SystemError) {
            return try stream!.read(count, within: StreamNoise.patience)  // it was just opened
        } catch {
            stream = nil
            throw explain(error)
        }
    }

    private func explain(_ error: SystemError) -> NoiseError { StreamNoise.explain(error, kind, name) }

    /// What an error means for this kind of noise, and what can be done about it. Only a file or a command is an input that
    /// somebody named.
    static func explain(_ error: SystemError, _ kind: NoiseKind, _ name: String) -> NoiseError {
        switch kind {
        case .hwrng where error.isLackOfDevice:
            NoiseError(
                .unavailable,
                "\(name): no hardware generator is behind it: is its driver loaded? see /sys/class/misc/hw_random/rng_available"
            )
        case .hwrng where error.isDenied:
            NoiseError(.permission, "\(error.message); it is root's, until a udev rule gives it to a group")
        case .jitter where error.isLackOfFamily:
            NoiseError(
                .unavailable,
                "\(name): no AF_ALG for this program: the kernel's module af_alg is missing, or systemd's "
                    + "RestrictAddressFamilies= forbids it")
        case .jitter where error.isMissing:
            NoiseError(
                .unavailable, "\(name): the kernel's module of that name is missing, or algif_rng, which hands it out")
        case .hwrng, .jitter: NoiseError(error.isDenied ? .permission : .unavailable, error.message)
        default: NoiseError(error)
        }
    }
}

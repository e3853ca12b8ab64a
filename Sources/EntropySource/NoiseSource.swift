import Platform

/// Whatever gives unpredictable bytes to Fortuna's pools.
public protocol NoiseSource: AnyObject {
    var kind: NoiseKind { get }
    /// For messages: "TPM2_GetRandom".
    var name: String { get }
    /// What gives the noise behind that name, where it could be one of several; empty otherwise.
    var origin: String { get }
    /// `count` bytes; from a paced source as many as there are, at most `count`.
    func gather(_ count: Int) throws(NoiseError) -> [UInt8]
}

extension NoiseSource {
    public var origin: String { "" }
}

/// Why a noise source gave nothing, or none can be trusted.
public struct NoiseError: Diagnostic {
    public let exitCode: ExitCode
    public let message: String

    public init(_ error: some Diagnostic) { self.init(error.exitCode, error.message) }

    init(_ exitCode: ExitCode, _ message: String) {
        self.exitCode = exitCode
        self.message = message
    }
}

/// The kernel's generator.
public final class KernelNoise: NoiseSource {
    public let kind = NoiseKind.kernel
    public let name = "getrandom(2)"

    public init() {}

    public func gather(_ count: Int) throws(NoiseError) -> [UInt8] {
        do throws(SystemError) { return try SystemRandom.bytes(count) } catch { throw NoiseError(error) }
    }
}

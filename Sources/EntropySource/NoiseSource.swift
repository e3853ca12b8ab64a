import Platform

/// Whatever gives unpredictable bytes to Fortuna's pools.
public protocol NoiseSource: AnyObject {
    /// For messages: "the TPM".
    var name: String { get }
    /// `count` bytes.
    func gather(_ count: Int) throws(NoiseError) -> [UInt8]
}

/// Why a noise source gave nothing.
public struct NoiseError: Diagnostic {
    public let exitCode: ExitCode
    public let message: String

    public init(_ error: some Diagnostic) {
        exitCode = error.exitCode
        message = error.message
    }
}

/// The kernel's generator.
public final class KernelNoise: NoiseSource {
    public let name = "getrandom(2)"

    public init() {}

    public func gather(_ count: Int) throws(NoiseError) -> [UInt8] {
        do throws(SystemError) { return try SystemRandom.bytes(count) } catch { throw NoiseError(error) }
    }
}

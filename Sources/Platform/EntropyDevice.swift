import CPlatform

/// What a chunk is mixed into: the kernel's pool, or a regular file that it is appended to.
public struct EntropyDevice: ~Copyable, @unchecked Sendable {
    /// What became of the bytes.
    public enum Result: Sendable, Equatable {
        /// In the kernel's pool, its generator reseeded at once, and so many bits credited.
        case reseeded(credit: Int32)
        /// In the kernel's pool, so many bits credited, without effect before its next reseed: it cannot do that at once.
        case added(credit: Int32)
        /// In the kernel's pool, without effect before its next reseed: this process lacks CAP_SYS_ADMIN.
        case written
        /// At the end of a regular file, on the medium.
        case appended
    }

    private let file: FileDescriptor
    private let isDevice: Bool

    public init(_ path: String) throws(SystemError) {
        let file = try FileDescriptor(path, for: .append)
        let status = try file.status()
        let isDevice = status.isCharacterDevice && platform_is_random_device(file.number) != 0
        guard isDevice || status.isRegular else {
            throw SystemError("mix into (a random device or a regular file is expected)", path, errno: EINVAL)
        }
        self.isDevice = isDevice
        self.file = file
    }

    /// Mixes `bytes` in, credits `bits` and has the kernel reseed, where it lets this process do so.
    public borrowing func mix(_ bytes: [UInt8], creditingBits bits: Int32) throws(SystemError) -> Result {
        guard isDevice else {
            try file.write(bytes)
            try file.synchronize()
            return .appended
        }
        // A write(2) has no effect before the kernel's next reseed, up to a minute later.
        switch platform_add_entropy(file.number, bytes, bytes.count, bits) {
        case 1: return .reseeded(credit: bits)
        case 0: return .added(credit: bits)
        default:
            try file.write(bytes)
            return .written
        }
    }
}

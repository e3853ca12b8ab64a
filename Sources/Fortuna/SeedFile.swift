import EntropyCrypto
import Platform

/// Entropy kept from one run to the next (Cryptography Engineering, 9.6), so that a start does not depend on the noise of
/// its first second alone.
public struct SeedFile: Sendable {
    /// Bytes of a seed file, as the original's.
    public static let size = 64

    /// What a start found.
    public enum Found: Sendable {
        case seed
        /// No file yet, or an empty one as a power cut may leave it: a new one was written.
        case nothing
    }

    private let path: String

    public init(_ path: String) { self.path = path }

    /// Mixes the saved seed into a generator that its pools can seed, and puts a new one in its place, durably. To be
    /// called before the first output: a seed that could be used twice is refused, and so is a file of another size.
    public func mix(into accumulator: Accumulator, warn: (String) -> Void) throws(FortunaError) -> Found {
        var seed = try load(warn: warn)
        let found: Found = seed.isEmpty ? .nothing : .seed
        if !seed.isEmpty { accumulator.mix(seed: seed) }
        wipe(&seed)
        try rewrite(from: accumulator)
        return found
    }

    /// Replaces the seed with new output.
    public func rewrite(from accumulator: Accumulator) throws(FortunaError) {
        var seed = try accumulator.read(SeedFile.size)
        defer { wipe(&seed) }
        do throws(SystemError) {
            // Not read under the lock: whatever is there goes, as a used seed must.
            _ = try StateFile(locking: path).replace(with: seed)
        } catch {
            throw .file(error)
        }
    }

    private func load(warn: (String) -> Void) throws(FortunaError) -> [UInt8] {
        var seed: [UInt8]
        do throws(SystemError) {
            seed = try StateFile.read(path, limit: 65536, secret: true, warn: warn)
        } catch {
            if error.isMissing { return [] }
            throw .file(error)
        }
        guard seed.isEmpty || seed.count == SeedFile.size else {
            let count = seed.count
            wipe(&seed)
            throw .notASeedFile(path: path, size: count)
        }
        return seed
    }
}

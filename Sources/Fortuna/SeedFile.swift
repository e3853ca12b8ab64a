import EntropyCrypto
import Platform

/// Entropy kept from one run to the next (Cryptography Engineering, 9.6), so that a start does not depend on the noise of
/// its first second alone. Its last eight bytes tell whose it is: they follow from the others and the machine's identity.
public struct SeedFile: Sendable {
    /// Bytes of a seed file, as the original's.
    public static let size = 64
    static let markSize = 8

    /// What a start found.
    public enum Found: Sendable {
        case seed
        /// A seed that this machine did not write: the card is another's, or was written by another program. Mixed, too.
        case foreignSeed
        /// No file yet, or an empty one as a power cut may leave it: a new one was written.
        case nothing
    }

    private let path: String
    private let identity: [UInt8]

    /// `identity` tells this machine from others.
    public init(_ path: String, identity: [UInt8]) {
        self.path = path
        self.identity = identity
    }

    /// Mixes the saved seed into a generator that its pools have seeded, and puts a new one in its place, durably. To be
    /// called before the first output: a seed that could be used twice is refused, and so is a file of another size. No
    /// seed counts: it may be another machine's, or come back from a backup.
    public func mix(into accumulator: Accumulator, warn: (String) -> Void) throws(FortunaError) -> Found {
        // Locked before it is read: nobody else takes the same seed meanwhile.
        let file = try locked()
        var seed = try load(warn: warn)
        defer { wipe(&seed) }
        let found: Found = seed.isEmpty ? .nothing : isOurs(seed) ? .seed : .foreignSeed
        // The identity parts the ways of two machines with the same card.
        if !seed.isEmpty { accumulator.mix(seed: seed, identity) }
        try replace(file, from: accumulator)
        return found
    }

    /// Replaces the seed with new output.
    public func rewrite(from accumulator: Accumulator) throws(FortunaError) {
        try replace(try locked(), from: accumulator)
    }

    private func locked() throws(FortunaError) -> StateFile {
        do throws(SystemError) { return try StateFile(locking: path) } catch { throw .file(error) }
    }

    /// Whatever is there goes, as a used seed must.
    private func replace(_ file: StateFile, from accumulator: Accumulator) throws(FortunaError) {
        var seed = try accumulator.read(SeedFile.size - SeedFile.markSize)
        let mark = mark(of: seed)
        var whole = [UInt8](unsafeUninitializedCapacity: SeedFile.size) { _, count in count = 0 }
        whole += seed
        whole += mark
        defer { wipe(&whole) }
        wipe(&seed)
        do throws(SystemError) { _ = try file.replace(with: whole) } catch { throw .file(error) }
    }

    private func mark(of bytes: [UInt8]) -> [UInt8] {
        Array(HMAC.sha256(key: identity, bytes).prefix(SeedFile.markSize))
    }

    private func isOurs(_ seed: [UInt8]) -> Bool {
        var bytes = Array(seed.dropLast(SeedFile.markSize))
        defer { wipe(&bytes) }
        return mark(of: bytes).elementsEqual(seed.suffix(SeedFile.markSize))
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

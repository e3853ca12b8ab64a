import EntropyCrypto
import Platform

/// BASE.key and BASE.pub, the two files that a key generator writes.
public final class KeyPairFiles {
    public let privatePath: String
    public let publicPath: String
    private let privateFile: StateFile
    private let publicFile: StateFile
    private let force: Bool

    /// Refuses names that are taken, unless `force` says to replace what is there, and directories that cannot be written:
    /// before any key is made, which may take a minute.
    public init(base: String, force: Bool) throws(StateError) {
        self.force = force
        privatePath = base + ".key"
        publicPath = base + ".pub"
        privateFile = try KeyPairFiles.claim(privatePath, force: force)
        publicFile = try KeyPairFiles.claim(publicPath, force: force)
    }

    /// Writes both files: the private one with mode 0600, the public one with 0644. Both are on the medium before either
    /// gets its name.
    public func write(privateKey: [UInt8], publicKey: [UInt8]) throws(StateError) {
        do throws(SystemError) {
            try privateFile.prepare(privateKey, mode: 0o600)
            try publicFile.prepare(publicKey, mode: 0o644)
            try privateFile.publish(replacing: force)
            do throws(SystemError) {
                try publicFile.publish(replacing: force)
            } catch {
                if !force { try? Path.remove(privatePath) }
                throw error
            }
        } catch {
            throw .file(error)
        }
    }

    /// Writes a public key alone, mode 0644.
    public static func write(publicKey: [UInt8], to path: String, force: Bool) throws(StateError) {
        let file = try claim(path, force: force)
        do throws(SystemError) {
            try file.prepare(publicKey, mode: 0o644)
            try file.publish(replacing: force)
        } catch {
            throw .file(error)
        }
    }

    private static func claim(_ path: String, force: Bool) throws(StateError) -> StateFile {
        guard force || !Path.exists(path) else { throw .file(SystemError.existing(path)) }
        guard !Path.isDirectory(path) else { throw .file(SystemError.directory(path)) }
        return try StateFile.locked(path)
    }
}

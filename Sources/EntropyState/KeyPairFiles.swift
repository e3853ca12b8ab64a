import EntropyCrypto
import Platform

/// BASE.key and BASE.pub, the two files that a key generator writes.
public struct KeyPairFiles: Sendable {
    public let privatePath: String
    public let publicPath: String
    private let force: Bool

    /// Refuses names that are taken, before any key is made, unless `force` says to replace what is there.
    public init(base: String, force: Bool) throws(StateError) {
        privatePath = base + ".key"
        publicPath = base + ".pub"
        self.force = force
        guard !force else { return }
        for path in [privatePath, publicPath] where Path.exists(path) {
            throw .file(SystemError.existing(path))
        }
    }

    /// Writes both files: the private one with mode 0600, the public one with 0644. Both or none are there afterwards.
    public func write(privateKey: [UInt8], publicKey: [UInt8]) throws(StateError) {
        do throws(SystemError) {
            try KeyPairFiles.write(privateKey, to: privatePath, mode: 0o600, force: force)
            do throws(SystemError) {
                try KeyPairFiles.write(publicKey, to: publicPath, mode: 0o644, force: force)
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
        do throws(SystemError) { try write(publicKey, to: path, mode: 0o644, force: force) } catch {
            throw .file(error)
        }
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: UInt32, force: Bool) throws(SystemError) {
        let file = try StateFile(locking: path)
        if force {
            try file.replace(with: bytes, newMode: mode, keepingMode: false)
        } else {
            try file.create(with: bytes, mode: mode)
        }
    }
}

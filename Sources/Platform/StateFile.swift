/// A file with state that must survive a power cut and outlive an editor: locked while it is changed, replaced in one
/// step, its owner and mode kept (README.md, "The files").
///
/// The lock is on the directory, since the file itself changes with every replacement; it is advisory and held only
/// between a read and the write that follows.
public struct StateFile: ~Copyable {
    private let path: String
    private let directory: FileDescriptor

    /// Locks the file, which need not exist. Waits at most ten seconds for another program.
    public init(locking given: String) throws(SystemError) {
        let path = Path.followingLinks(given)
        let directory: FileDescriptor
        do throws(SystemError) {
            directory = try FileDescriptor(Path.directory(of: path), for: .directory)
        } catch {
            throw SystemError("write (its directory cannot be opened)", given, errno: error.errno, .creating)
        }
        try directory.lock()
        self.path = path
        self.directory = directory
    }

    /// The contents, at most `limit` bytes.
    public func read(limit: Int) throws(SystemError) -> [UInt8] {
        try FileDescriptor(path, for: .read).readAll(limit: limit)
    }

    /// Replaces the contents, durably: when this returns they are on the medium, and at no moment is there a file with
    /// less than the old or the new ones. A new file gets `mode`; an old one keeps its own unless told otherwise.
    public func replace(
        with bytes: [UInt8], newMode mode: UInt32 = 0o600, keepingMode: Bool = true
    ) throws(SystemError) {
        let old = keepingMode ? try status() : nil
        try write(bytes, mode: mode, adopting: old) { (temporary) throws(SystemError) in
            try Path.rename(temporary, to: path)
        }
    }

    /// Writes a file that must not exist yet.
    public func create(with bytes: [UInt8], mode: UInt32) throws(SystemError) {
        try write(bytes, mode: mode, adopting: nil) { (temporary) throws(SystemError) in
            try Path.renameNew(temporary, to: path)
        }
    }

    private func write(
        _ bytes: [UInt8], mode: UInt32, adopting old: FileStatus?, publish: (String) throws(SystemError) -> Void
    ) throws(SystemError) {
        // One name is enough under the lock. What a killed program left there is in nobody's use.
        let temporary = "\(Path.directory(of: path))/.\(Path.name(of: path)).new"
        try Path.remove(temporary)
        do {
            let file = try FileDescriptor(temporary, for: .create(mode: old == nil ? mode : 0o600))
            if let old { try file.adopt(old) }
            try file.write(bytes)
            try file.synchronize()
            try publish(temporary)
        } catch {
            // The file's own name says more to a person than that of the temporary one.
            try? Path.remove(temporary)
            throw SystemError(error.action, path, errno: error.errno, .creating)
        }
        try directory.synchronize()
    }

    private func status() throws(SystemError) -> FileStatus? {
        do {
            return try FileDescriptor(path, for: .read).status()
        } catch {
            if error.isMissing { return nil }
            throw error
        }
    }

    /// The contents of a file that is only read, at most `limit` bytes. `warn` is called with one line when the file
    /// holds a secret and others may read it; the mode is left as it is.
    public static func read(
        _ path: String, limit: Int, secret: Bool = false, warn: (String) -> Void = { _ in }
    ) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor(path, for: .read)
        let status = try file.status()
        if secret, status.isReadableByOthers {
            warn("\(path): others may read this secret (mode 0\(octal(status.mode))): chmod 600 \(path)")
        }
        return try file.readAll(limit: limit)
    }
}

private func octal(_ mode: UInt32) -> String { String(mode, radix: 8) }

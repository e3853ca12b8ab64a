import CPlatform

/// A file with state that must survive a power cut and outlive an editor: locked while it is changed, replaced in one
/// step, its owner and mode kept (README.md, "The files").
///
/// Lock and successor are one file, `.NAME.new`, that only the owner can open: whoever holds its lock writes it and
/// gives it the name. It is gone when this value dies.
public final class StateFile {
    private let path: String
    private let temporary: String
    private let successor: FileDescriptor
    /// True once the successor has the file's name.
    public private(set) var isPublished = false

    /// Milliseconds to wait for another program that holds the lock.
    private static let patience: Int64 = 10_000

    /// Locks the file, which need not exist. Waits at most ten seconds for another program, then fails with EWOULDBLOCK.
    public init(locking given: String) throws(SystemError) {
        let path = try Path.followingLinks(given)
        let temporary = "\(Path.directory(of: path))/.\(Path.name(of: path)).new"
        do {
            successor = try FileLock.take(temporary, patience: StateFile.patience)
        } catch {
            if error.exitCode == .permission, Path.exists(temporary) {
                throw SystemError(
                    "use (another user's program left it there; remove it)", temporary, errno: error.errno)
            }
            // The file's own name says more to a person than that of its successor.
            let action = error.errno == EWOULDBLOCK ? "lock (another program holds it)" : "write"
            throw SystemError(action, given, errno: error.errno, .creating)
        }
        self.path = path
        self.temporary = temporary
        // A device or a pipe, given by mistake, must never be replaced: rename(2) would.
        if let status = FileStatus.find(path), !status.isRegular {
            throw SystemError("write (a regular file is expected)", given, errno: EINVAL, .creating)
        }
    }

    deinit {
        // Still under the lock: whoever waits for it finds another file behind the name, or none, and opens it anew.
        if !isPublished { try? Path.remove(temporary) }
    }

    /// The contents, at most `limit` bytes.
    public func read(limit: Int) throws(SystemError) -> [UInt8] {
        try FileDescriptor(path, for: .read).readAll(limit: limit)
    }

    /// What is said of contents that are longer than what would be read again.
    public var tooLong: SystemError { SystemError("write", path, errno: EFBIG, .creating) }

    /// Replaces the contents, durably: when this returns they are on the medium, and at no moment is there a file with
    /// less than the old or the new ones. A new file gets mode 0600. At most once.
    public func replace(with bytes: [UInt8]) throws(SystemError) {
        try prepare(bytes, mode: 0o600, adopting: try status())
        try publish(replacing: true)
    }

    /// Writes the successor, durably, without publishing it.
    public func prepare(_ bytes: [UInt8], mode: UInt32) throws(SystemError) {
        try prepare(bytes, mode: mode, adopting: nil)
    }

    /// Gives the successor the file's name: in place of what is there, or only where nothing is.
    public func publish(replacing: Bool) throws(SystemError) {
        precondition(!isPublished, "a state file is replaced once under one lock")
        do {
            if replacing {
                try Path.rename(temporary, to: path)
            } else {
                try Path.renameNew(temporary, to: path)
            }
            isPublished = true
            try FileDescriptor(Path.directory(of: path), for: .directory).synchronize()
        } catch {
            throw SystemError(error.action, path, errno: error.errno, .creating)
        }
    }

    private func prepare(_ bytes: [UInt8], mode: UInt32, adopting old: FileStatus?) throws(SystemError) {
        do {
            try successor.truncate()
            try successor.write(bytes)
            if let old { try successor.adopt(old) } else { try successor.setMode(mode) }
            try successor.synchronize()
        } catch {
            throw SystemError("write", path, errno: error.errno, .creating)
        }
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
        if secret, let exposure = try file.status().exposure(of: path) { warn(exposure) }
        return try file.readAll(limit: limit)
    }
}

import CPlatform

/// A file with state that must survive a power cut and outlive an editor: locked while it is changed, replaced in one
/// step, its owner and mode kept (docs/files.md).
///
/// Programs of this project keep each other away by the lock `.NAME.lock`, and write the successor under the name
/// `.NAME.new`; both are gone when this value dies. An editor knows no such lock: what it saved between our look at the
/// file and our replacing it is noticed and left in place.
public final class StateFile {
    private let path: String
    private let temporary: String
    private let lock: FileLock
    /// What `read` found: what our new contents were made from.
    private var base: [UInt8]?
    /// `read` found no file: one that is there now is somebody else's.
    private var isMissing = false
    /// True once the successor has the file's name.
    public private(set) var isPublished = false
    /// The version that was read, and after it was replaced the one in its place; nil where there is none.
    public private(set) var version: FileStatus?
    /// What the successor will be. Its time of modification stays when it gets the file's name.
    private var successor: FileStatus?

    /// Milliseconds to wait for another program that holds the lock.
    private static let patience: Int64 = 10_000

    /// Locks the file, which need not exist. Waits at most ten seconds for another program, then fails with EWOULDBLOCK.
    public init(locking given: String) throws(SystemError) {
        let path = try Path.followingLinks(given, .creating)
        let hidden = "\(Path.directory(of: path))/.\(Path.name(of: path))"
        do {
            lock = try FileLock("\(hidden).lock", patience: StateFile.patience)
        } catch {
            if error.errno == EMLINK { throw error }
            if error.exitCode == .permission, Path.exists("\(hidden).lock") {
                throw SystemError(
                    "use (another user's program left it there; remove it)", "\(hidden).lock", errno: error.errno)
            }
            // The file's own name says more to a person than that of its lock.
            let action = error.errno == EWOULDBLOCK ? "lock (another program holds it)" : "write"
            throw SystemError(action, given, errno: error.errno, .creating)
        }
        self.path = path
        temporary = "\(hidden).new"
        // A device or a pipe, given by mistake, must never be replaced: rename(2) would.
        if let status = FileStatus.find(path), !status.isRegular {
            throw SystemError("write (a regular file is expected)", given, errno: EINVAL, .creating)
        }
    }

    /// Removes what a program that was killed left beside the file: its lock, and a successor that never got the file's name and may
    /// hold a secret. Fails where this user may not, or another program is at work there for longer than ten seconds.
    public static func removeLeftOvers(of given: String) throws(SystemError) {
        let path = try Path.followingLinks(given, .creating)
        let hidden = "\(Path.directory(of: path))/.\(Path.name(of: path))"
        guard Path.exists("\(hidden).new") || Path.exists("\(hidden).lock") else { return }
        // Both go with it.
        _ = try StateFile(locking: given)
    }

    deinit {
        forget()
        if !isPublished { try? Path.remove(temporary) }
    }

    /// The contents, at most `limit` bytes.
    public func read(limit: Int) throws(SystemError) -> [UInt8] {
        forget()
        isMissing = false
        version = nil
        do {
            let file = try FileDescriptor(path, for: .read)
            try file.requireEnd()
            // Before it is read: who writes into it meanwhile makes another version of it.
            let version = try file.status()
            let bytes = try file.readAll(limit: limit)
            self.version = version
            base = bytes
            return bytes
        } catch {
            isMissing = error.isMissing
            throw error
        }
    }

    /// Wipes the copy of what was read: it may hold a secret.
    public func forget() {
        base?.withUnsafeMutableBytes { if let start = $0.baseAddress { explicit_bzero(start, $0.count) } }
        base = nil
    }

    /// What is said of contents that are longer than what would be read again.
    public var tooLong: SystemError { SystemError("write", path, errno: EFBIG, .creating) }

    /// Replaces the contents, durably: when this returns true they are on the medium, and at no moment is there a file with
    /// less than the old or the new ones. A new file gets mode 0600, and one of root's its directory's owner. False when the
    /// file is no longer what `read` found: it was left as it is, to be read and changed again. Once it has returned true it
    /// is not to be called again.
    public func replace(with bytes: [UInt8]) throws(SystemError) -> Bool {
        precondition(!isPublished, "a state file is replaced once under one lock")
        try prepare(bytes, mode: 0o600, adopting: try status())
        if let base {
            guard try exchange(for: base) else { return false }
            version = successor
            return true
        }
        do {
            try publish(replacing: !isMissing)
            version = successor
            return true
        } catch {
            guard isMissing, error.isExisting else { throw error }
            return false
        }
    }

    /// Writes the successor, durably, without publishing it.
    public func prepare(_ bytes: [UInt8], mode: UInt32) throws(SystemError) {
        try prepare(bytes, mode: mode, adopting: nil)
    }

    /// Gives the successor the file's name: in place of what is there, or only where nothing is.
    public func publish(replacing: Bool) throws(SystemError) {
        try naming { () throws(SystemError) in
            if replacing {
                try Path.rename(temporary, to: path)
            } else {
                try Path.renameNew(temporary, to: path)
            }
            isPublished = true
            try FileDescriptor(Path.directory(of: path), for: .directory).synchronize()
        }
    }

    /// Swaps successor and file, and looks at what came out: only what the new contents were made from may go. An editor's
    /// version goes back to its place.
    private func exchange(for base: [UInt8]) throws(SystemError) -> Bool {
        guard let mine = FileStatus.find(temporary), try swapNames() else {
            // A file system that cannot swap, or a file that is gone: a last look before it is replaced must do.
            guard try isUnchanged(path, base) else { return false }
            try publish(replacing: true)
            return true
        }
        // What cannot be read is not what was read.
        if (try? isUnchanged(temporary, base)) == true {
            isPublished = true
            try naming { () throws(SystemError) in
                try Path.remove(temporary)
                try FileDescriptor(Path.directory(of: path), for: .directory).synchronize()
            }
            return true
        }
        // Until what comes out is ours again: else an editor replaced that too, and its latest version has to stay.
        for _ in 0..<8 {
            guard (try? swapNames()) == true, !mine.isSameFile(as: FileStatus.find(temporary)) else { break }
        }
        return false
    }

    /// False where the file system has no such call, or one of the two files is gone.
    private func swapNames() throws(SystemError) -> Bool {
        if platform_exchange(temporary, path) == 0 { return true }
        let errno = platform_errno()
        guard errno == EINVAL || errno == ENOSYS || errno == ENOENT else {
            throw SystemError("replace", path, errno: errno, .creating)
        }
        return false
    }

    private func isUnchanged(_ name: String, _ base: [UInt8]) throws(SystemError) -> Bool {
        do {
            let file = try FileDescriptor(name, for: .read)
            try file.requireEnd()
            return try file.holds(base)
        } catch {
            // Gone: another one.
            guard error.isMissing else { throw SystemError("read", path, errno: error.errno) }
            return false
        }
    }

    /// A new file each time: one that an editor may have open, or a killed program left, is never written into.
    private func prepare(_ bytes: [UInt8], mode: UInt32, adopting old: FileStatus?) throws(SystemError) {
        try naming { () throws(SystemError) in
            try Path.remove(temporary)
            let file = try FileDescriptor(temporary, for: .create)
            try file.write(bytes)
            if let old {
                try file.adopt(old)
            } else {
                try file.belongToDirectory()
                try file.setMode(mode)
            }
            try file.synchronize()
            successor = try file.status()
        }
    }

    /// Errors name the file, not its successor.
    private func naming(_ body: () throws(SystemError) -> Void) throws(SystemError) {
        do {
            try body()
        } catch {
            let isTold = Text.areEqual(error.action, "replace") || Text.areEqual(error.action, "create")
            throw SystemError(isTold ? error.action : "write", path, errno: error.errno, .creating)
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
        try file.requireEnd()
        if secret, let exposure = try file.status().exposure(of: path) { warn(exposure) }
        return try file.readAll(limit: limit)
    }
}

import CPlatform

/// A file that exists for its lock: held, by one process at a time, until this value dies, and gone with it. Only its owner
/// can open it, so that nobody else can hold it against them.
public final class FileLock: Sendable {
    private let path: String
    private let file: FileDescriptor

    /// Fails with EWOULDBLOCK when another process holds it for longer than `patience` milliseconds.
    public init(_ path: String, patience: Int64 = 0) throws(SystemError) {
        file = try FileLock.take(path, patience: patience)
        self.path = path
    }

    deinit {
        // Still under the lock: whoever waits for it finds another file behind the name, or none, and opens it anew.
        try? Path.remove(path)
    }

    /// Only a file that was made here is given to its directory's owner: what was there may be a link to anything.
    private static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        do {
            let made = try FileDescriptor(path, for: .create)
            try made.belongToDirectory()
            return made
        } catch {
            guard error.isExisting else { throw error }
            return try FileDescriptor(path, for: .lock)
        }
    }

    /// Opens and locks a file, made with mode 0600 where there is none. Waits at most `patience` milliseconds. The name may
    /// have gone to another file while this one was waited for.
    private static func take(_ path: String, patience: Int64) throws(SystemError) -> FileDescriptor {
        let end = platform_monotonic_milliseconds() + patience
        while true {
            let file = try open(path)
            let status = try file.status()
            // Another name of somebody's file, which would be locked and get the mode of a lock.
            guard status.isRegular, status.links <= 1 else {
                throw SystemError(
                    "use as a lock (it has other names, or is no file; remove it)", path, errno: EMLINK, .creating)
            }
            let isLocked = try file.tryLock()
            if isLocked, try file.status().isSameFile(as: FileStatus.find(path)) {
                try file.setMode(0o600)
                return file
            }
            // A file that lost its name to nobody's lock is no reason to give up.
            guard isLocked || platform_monotonic_milliseconds() < end else {
                throw SystemError("lock", path, errno: EWOULDBLOCK, .creating)
            }
            if !isLocked { _ = poll(nil, 0, 10) }
        }
    }
}

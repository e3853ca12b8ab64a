import CPlatform

/// What fstat(2) says of an open file.
public struct FileStatus: Sendable {
    public let size: Int64
    /// The permission bits, 0o7777 at most.
    public let mode: UInt32
    public let owner: UInt32
    public let group: UInt32
    public let isRegular: Bool
    public let isCharacterDevice: Bool

    /// True when someone beside the owner may read the file.
    public var isReadableByOthers: Bool { mode & 0o044 != 0 }
}

/// An open file, closed exactly once, when this value dies.
public struct FileDescriptor: ~Copyable {
    /// What the file is opened for.
    public enum Access: Sendable {
        case read
        case append
        /// A new file with this mode, whatever the umask; fails when the name exists.
        case create(mode: UInt32)
        case directory
    }

    /// The number, to be borrowed by system calls only while this value lives.
    public let number: Int32
    private let path: String

    public init(_ path: String, for access: Access) throws(SystemError) {
        let number: Int32
        switch access {
        // O_NONBLOCK: a FIFO given by mistake must not hang the program; regular files ignore it.
        case .read: number = platform_open(path, O_RDONLY | O_NONBLOCK, 0)
        case .append: number = platform_open(path, O_WRONLY | O_APPEND | O_NONBLOCK, 0)
        case .create: number = platform_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        case .directory: number = platform_open(path, O_RDONLY | O_DIRECTORY, 0)
        }
        guard number >= 0 else {
            if case .create = access { throw SystemError("create", path, .creating) }
            throw SystemError("open", path)
        }
        if case .create(let mode) = access, fchmod(number, mode) != 0 {
            let error = SystemError("set the mode of", path, .creating)
            close(number)
            throw error
        }
        self.number = number
        self.path = path
    }

    deinit { close(number) }  // what was written is synchronized before; close has nothing left to report

    public func status() throws(SystemError) -> FileStatus {
        var file = platform_file()
        guard platform_describe(number, &file) == 0 else { throw SystemError("examine", path) }
        return FileStatus(
            size: file.size, mode: file.mode, owner: file.owner, group: file.group,
            isRegular: file.is_regular != 0, isCharacterDevice: file.is_character_device != 0)
    }

    /// Reads to the end of the file, at most `limit` bytes: a longer file is refused with EFBIG.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: min(limit + 1, 65536))
        while true {
            let count = block.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            if count < 0 {
                if platform_errno() == EINTR { continue }
                throw SystemError("read", path)
            }
            bytes.append(contentsOf: block[..<count])
            guard bytes.count <= limit else { throw SystemError("read", path, errno: EFBIG) }
        }
    }

    /// Writes all of `bytes`.
    public func write(_ bytes: [UInt8]) throws(SystemError) { try writeAll(bytes, to: number, path: path) }

    /// Returns when the file's contents are on the medium.
    public func synchronize() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError("write to disk", path, .creating) }
    }

    /// Waits for an exclusive advisory lock, at most `milliseconds`, then fails with EWOULDBLOCK. Held until this
    /// value dies.
    public func lock(within milliseconds: Int32 = 10_000) throws(SystemError) {
        var waited: Int32 = 0
        while flock(number, LOCK_EX | LOCK_NB) != 0 {
            let errno = platform_errno()
            guard errno == EWOULDBLOCK || errno == EINTR, waited < milliseconds else {
                throw SystemError("lock (is another program holding it?)", path, errno: errno)
            }
            _ = poll(nil, 0, 10)
            waited += 10
        }
    }

    /// Gives the file the owner, group and mode of another one. Only root may change the owner: for others the file
    /// stays their own, which is the rule of every editor.
    public func adopt(_ status: FileStatus) throws(SystemError) {
        if fchown(number, status.owner, status.group) != 0 { _ = fchown(number, UInt32.max, status.group) }
        guard fchmod(number, status.mode) == 0 else { throw SystemError("set the mode of", path, .creating) }
    }
}

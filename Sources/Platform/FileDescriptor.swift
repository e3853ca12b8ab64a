import CPlatform

/// An open file, closed exactly once, when this value dies.
public struct FileDescriptor: ~Copyable, Sendable {
    /// What the file is opened for. A link at the end of the path is followed where nobody else could have put it there.
    public enum Access: Sendable {
        case read
        case append
        /// Made with mode 0600; the name must be free.
        case create
        /// A file that is locked and may be written, made with mode 0600 where there is none; no link is followed.
        case lock
        case directory
    }

    /// The number, to be borrowed by system calls only while this value lives.
    public let number: Int32
    private let path: String
    /// Of this process already, as /dev/stdin is.
    private let isInherited: Bool

    public init(_ path: String, for access: Access) throws(SystemError) {
        var (number, isInherited): (Int32, Bool) = (-1, false)
        switch access {
        // O_NONBLOCK: a FIFO given by mistake must not hang the program.
        case .read: (number, isInherited) = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        case .append: (number, isInherited) = try FileDescriptor.open(path, O_WRONLY | O_APPEND | O_NONBLOCK)
        case .create: number = platform_open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        case .lock: number = platform_open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600)
        case .directory: number = platform_open(path, O_RDONLY | O_DIRECTORY, 0)
        }
        guard number >= 0 else { throw SystemError("open", path) }
        // From here on a pipe with a writer is waited for, as by every other program.
        platform_set_blocking(number)
        self.number = number
        self.path = path
        self.isInherited = isInherited
    }

    /// The number, below 0 with errno, and whether the kernel's own link led there.
    private static func open(_ path: String, _ flags: Int32) throws(SystemError) -> (Int32, Bool) {
        let number = platform_open(path, flags | O_NOFOLLOW, 0)
        guard number < 0, platform_errno() == ELOOP else { return (number, false) }
        let end = try Path.followingLinks(path, .reading)
        // Such a link, /dev/stdin for one, has no name behind it that could be opened instead.
        let isInherited = Path.isKernelLink(end)
        return (platform_open(end, isInherited ? flags : flags | O_NOFOLLOW, 0), isInherited)
    }

    /// Refuses a pipe that somebody made under this name: whoever holds its other end could have this process wait for ever.
    func requireEnd() throws(SystemError) {
        let status = try status()
        // What a directory is read for fails by itself.
        guard status.isRegular || status.isDirectory || status.isCharacterDevice || isInherited else {
            throw SystemError("read (a regular file is expected)", path, errno: EINVAL)
        }
    }

    deinit { close(number) }  // what was written is synchronized before; close has nothing left to report

    public func status() throws(SystemError) -> FileStatus {
        var file = platform_file()
        guard platform_describe(number, &file) == 0 else { throw SystemError("examine", path) }
        return FileStatus(file)
    }

    /// Reads to the end of the file, at most `limit` bytes: a longer file is refused with EFBIG.
    public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        // In one piece: one that grows would for a moment be there twice. What is no file says that it has no bytes.
        bytes.reserveCapacity(Int(clamping: min(Int64(limit), try status().size)))
        try readBlocks(limit: limit) { block in
            bytes.append(contentsOf: block)
            return bytes.count <= limit
        }
        guard bytes.count <= limit else { throw SystemError("read", path, errno: EFBIG) }
        return bytes
    }

    /// True when what can be read, from here to the end of the file, is just this.
    func holds(_ bytes: [UInt8]) throws(SystemError) -> Bool {
        var place = 0
        try readBlocks(limit: bytes.count) { block in
            guard block.count <= bytes.count - place, bytes[place..<(place + block.count)] == block else {
                place = -1
                return false
            }
            place += block.count
            return true
        }
        return place == bytes.count
    }

    /// Reads to the end of the file, or until `take` has enough; a little further than `limit` at the most, if need be.
    private func readBlocks(limit: Int, _ take: (ArraySlice<UInt8>) -> Bool) throws(SystemError) {
        var block = [UInt8](repeating: 0, count: min(limit + 1, 65536))
        // It may hold a secret.
        defer { block.withUnsafeMutableBytes { if let base = $0.baseAddress { explicit_bzero(base, $0.count) } } }
        while true {
            let count = block.withUnsafeMutableBytes { read(number, $0.baseAddress, $0.count) }
            if count == 0 { return }
            if count < 0 {
                if platform_errno() == EINTR { continue }
                throw SystemError("read", path)
            }
            guard take(block[..<count]) else { return }
        }
    }

    /// What a small file of the kernel's or the system's says; nil where it is not there, or says nothing to this process.
    public static func contents(ofSmall path: String) -> [UInt8]? {
        guard let file = try? FileDescriptor(path, for: .read) else { return nil }
        return try? file.readAll(limit: 4096)
    }

    /// Writes all of `bytes`.
    public func write(_ bytes: [UInt8]) throws(SystemError) { try writeAll(bytes, to: number, path: path) }

    /// Returns when the file's contents are on the medium.
    public func synchronize() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError("write to disk", path, .creating) }
    }

    /// Takes an exclusive advisory lock, held until this value dies; false when someone else holds it.
    func tryLock() throws(SystemError) -> Bool {
        if flock(number, LOCK_EX | LOCK_NB) == 0 { return true }
        let errno = platform_errno()
        guard errno == EWOULDBLOCK || errno == EINTR else { throw SystemError("lock", path, errno: errno, .creating) }
        return false
    }

    func setMode(_ mode: UInt32) throws(SystemError) {
        guard fchmod(number, mode) == 0 else { throw SystemError("set the mode of", path, .creating) }
    }

    /// Gives a file that root made to whom its directory belongs, a service's user for one: it would be of no use to them.
    func belongToDirectory() throws(SystemError) {
        guard geteuid() == 0 else { return }
        let directory = try FileDescriptor(Path.directory(of: path), for: .directory).status()
        // Where nothing can be given away, on another machine's disk for one, it stays whose it is.
        _ = fchown(number, directory.owner, directory.group)
    }

    /// Gives the file the owner, group and mode of another one, as far as this process may: only root can change the
    /// owner. A group that could not be kept gets no access, so that no other group sees what was not for it.
    func adopt(_ status: FileStatus) throws(SystemError) {
        if fchown(number, status.owner, status.group) != 0 { _ = fchown(number, UInt32.max, status.group) }
        let isGroupKept = try self.status().group == status.group
        try setMode(isGroupKept ? status.mode : status.mode & ~0o070)
    }
}

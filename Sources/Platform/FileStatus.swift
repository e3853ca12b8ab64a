import CPlatform

/// What fstat(2) says of a file.
public struct FileStatus: Sendable {
    public let size: Int64
    /// The permission bits, 0o7777 at most.
    public let mode: UInt32
    public let owner: UInt32
    public let group: UInt32
    public let isRegular: Bool
    public let isCharacterDevice: Bool
    let isDirectory: Bool
    let isLink: Bool
    /// Names that the file has.
    let links: UInt64
    let device: UInt64
    let inode: UInt64
    private let modified: Int64

    init(_ file: platform_file) {
        size = file.size
        mode = file.mode
        owner = file.owner
        group = file.group
        isRegular = file.is_regular != 0
        isCharacterDevice = file.is_character_device != 0
        isDirectory = file.is_directory != 0
        isLink = file.is_link != 0
        links = file.links
        device = file.device
        inode = file.inode
        modified = file.modified
    }

    /// The file behind a name now, not following a link; nil where there is none.
    static func find(_ path: String) -> FileStatus? {
        var file = platform_file()
        return platform_describe_path(path, &file) == 0 ? FileStatus(file) : nil
    }

    func isSameFile(as other: FileStatus?) -> Bool { device == other?.device && inode == other?.inode }

    /// True while nobody has put another file in this one's place, or written into it. That its name, owner or mode changed
    /// is no other version.
    public func isSameVersion(as other: FileStatus?) -> Bool {
        isSameFile(as: other) && size == other?.size && modified == other?.modified
    }

    /// One line about a secret that others can read, and what to do; nil when only those can who must. A file that belongs to someone
    /// else is read by way of its group, as a service reads a configuration of root's.
    func exposure(of path: String) -> String? {
        guard isRegular else { return nil }
        let isOwn = owner == geteuid()
        let bits = "mode 0\(String(mode, radix: 8))"
        if mode & 0o004 != 0 {
            return "\(path): others may read this secret (\(bits)): \(isOwn ? "chmod 600" : "chmod o=") \(path)"
        }
        guard isOwn, mode & 0o040 != 0 else { return nil }
        return "\(path): its group (\(group)) may read this secret (\(bits)); if that is not meant: chmod 600 \(path)"
    }
}

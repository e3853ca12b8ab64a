import CPlatform

/// A file's path, taken apart and resolved. Bytes of the path are kept as they are.
public enum Path {
    /// The directory that holds the file: what stands before the last slash, or ".".
    public static func directory(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == 0 ? "/" : String(decoding: bytes[..<slash], as: UTF8.self)
    }

    /// What stands after the last slash.
    public static func name(of path: String) -> String {
        let bytes = Array(path.utf8)
        guard let slash = bytes.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(decoding: bytes[(slash + 1)...], as: UTF8.self)
    }

    /// `path` itself when it is absolute, else `path` seen from `directory`.
    public static func resolve(_ path: String, from directory: String) -> String {
        path.utf8.first == UInt8(ascii: "/") || Text.areEqual(directory, ".") ? path : "\(directory)/\(path)"
    }

    /// The file behind all symbolic links at the end of the path, so that replacing it replaces the file and not the link. A
    /// file that does not exist yet is returned as it was given; a link that leads nowhere is refused, and so is one that
    /// another user put there or could exchange. Only the end: directories on the way are followed as they are.
    static func followingLinks(_ given: String, _ purpose: SystemError.Purpose) throws(SystemError) -> String {
        var path = given
        for step in 0..<40 {
            guard let found = FileStatus.find(path) else {
                if step == 0 { return path }
                throw SystemError("follow the link", given, purpose)
            }
            guard found.isLink, !isKernelLink(path) else { return path }
            try requireTrust(found, path, given, purpose)
            path = resolve(try target(of: path, purpose), from: directory(of: path))
        }
        throw SystemError("follow the link", given, errno: ELOOP, purpose)
    }

    /// True for a link in /proc: it leads to what is open, not to a name.
    static func isKernelLink(_ path: String) -> Bool {
        platform_is_in_proc(directory(of: path)) != 0 && FileStatus.find(path)?.isLink == true
    }

    /// Refuses a link unless it and its directory are this user's or root's.
    private static func requireTrust(
        _ link: FileStatus, _ path: String, _ given: String, _ purpose: SystemError.Purpose
    ) throws(SystemError) {
        guard let directory = FileStatus.find("\(directory(of: path))/.") else {
            throw SystemError("follow the link", given, purpose)
        }
        let own = geteuid()
        for owner in [directory.owner, link.owner] where owner != own && owner != 0 {
            throw SystemError(
                "follow a link that user \(owner) can change (run this as that user, or name the file itself)", given,
                errno: EPERM, purpose)
        }
    }

    private static func target(of link: String, _ purpose: SystemError.Purpose) throws(SystemError) -> String {
        var bytes = [CChar](repeating: 0, count: 4097)
        guard readlink(link, &bytes, 4096) > 0 else { throw SystemError("follow the link", link, purpose) }
        let target = bytes.withUnsafeBufferPointer { $0.baseAddress.flatMap { String(validatingCString: $0) } }
        guard let target else { throw SystemError("follow the link", link, errno: EILSEQ, purpose) }
        return target
    }

    /// The file behind all symbolic links; the path itself where there is none.
    public static func resolvingLinks(_ path: String) -> String { (try? followingLinks(path, .reading)) ?? path }

    /// True when both paths lead to one file that exists.
    public static func isSameFile(_ path: String, _ other: String) -> Bool {
        guard let file = FileStatus.find(resolvingLinks(path)) else { return false }
        return file.isSameFile(as: FileStatus.find(resolvingLinks(other)))
    }

    /// Gives the file `from` the name `to`, replacing what was there, in one step.
    public static func rename(_ from: String, to: String) throws(SystemError) {
        guard CPlatform.rename(from, to) == 0 else { throw SystemError("replace", to, .creating) }
    }

    /// Gives the file `from` the name `to`, which must be free: EEXIST otherwise, without a race.
    public static func renameNew(_ from: String, to: String) throws(SystemError) {
        guard platform_rename_new(from, to) == 0 else { throw SystemError("create", to, .creating) }
    }

    /// Removes a file; a missing one is no error.
    public static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || platform_errno() == ENOENT else { throw SystemError("remove", path, .creating) }
    }

    /// Fails when this user may not read and write the file, or it is missing.
    public static func checkAccess(_ path: String) throws(SystemError) {
        guard access(path, R_OK | W_OK) == 0 else { throw SystemError("open", path) }
    }

    /// True for a character device, or a link to one. Opens nothing.
    public static func isCharacterDevice(_ path: String) -> Bool {
        FileStatus.find(resolvingLinks(path))?.isCharacterDevice ?? false
    }

    public static func isDirectory(_ path: String) -> Bool { (try? FileDescriptor(path, for: .directory)) != nil }

    /// True when the name is taken, be it by a dangling link.
    public static func exists(_ path: String) -> Bool {
        // readlink finds links that access(2), which follows them, cannot see.
        var byte: CChar = 0
        return access(path, F_OK) == 0 || readlink(path, &byte, 1) >= 0
    }
}

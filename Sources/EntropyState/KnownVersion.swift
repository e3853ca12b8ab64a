import Platform

/// The version of a file that a program knows: who wrote the file last can tell, without reading it again, whether somebody
/// else did so since. An editor that writes into the same file, to the same length, is noticed by the time alone, which the kernel
/// counts in steps of some milliseconds.
public struct KnownVersion: Sendable {
    private var status: FileStatus?
    /// True when the last change was made to the version that was known, and to no other.
    public private(set) var wasCurrent = false

    public init() {}

    /// A change was made to one version of the file, and made another one.
    mutating func step(from found: FileStatus?, to made: FileStatus?) {
        wasCurrent = status?.isSameVersion(as: found) ?? false
        status = made
    }

    /// True while that version is what is behind `path`.
    func isCurrent(_ path: String) -> Bool {
        guard let status, let found = try? FileDescriptor(path, for: .read).status() else { return false }
        return status.isSameVersion(as: found)
    }
}

import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A file system of a few kilobytes in memory, mounted in a directory; only root can. Unmounted with this value, also from
/// under programs that still use it.
public final class SmallDisk: Sendable {
    /// Held, so that it is not removed before the disk is.
    private let directory: TemporaryDirectory
    private let path: String
    private let filler: String

    /// True for root where the kernel lets it mount, or must.
    public static let isPossible =
        geteuid() == 0 && haveTools("mount")
        && (isCI || (try? SmallDisk("disk", in: TemporaryDirectory())) != nil)

    /// Mounts it as `name` in `directory`.
    public init(_ name: String, in directory: TemporaryDirectory, kilobytes: Int = 128) throws {
        self.directory = directory
        path = directory.file(name)
        filler = "\(path)/filler"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        let mounted = try run(["mount", "-t", "tmpfs", "-o", "size=\(kilobytes)k,mode=0700", "tmpfs", path])
        guard mounted.status == 0 else { throw SetupFailed(text: mounted.errors) }
    }

    deinit { _ = try? run(["umount", "--lazy", path]) }

    /// Writes until nothing more goes in. What a program frees meanwhile is taken as well: it is full when it was for a
    /// while.
    public func fill() {
        let file = open(filler, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        guard file >= 0 else { return }
        defer { close(file) }
        let block = [UInt8](repeating: 0x66, count: 4096)
        var failures = 0
        while failures < 30 {
            if write(file, block, block.count) > 0 {
                failures = 0
            } else {
                failures += 1
                usleep(10000)
            }
        }
    }

    public func makeRoom() throws { try FileManager.default.removeItem(atPath: filler) }

    /// Lets nobody write any more, or again. Waits for a moment in which nobody does.
    public func remount(readOnly: Bool) throws {
        var last = ""
        let isDone = try eventually {
            let remounted = try run(["mount", "-o", readOnly ? "remount,ro" : "remount,rw", path])
            last = remounted.errors
            return remounted.status == 0
        }
        guard isDone else { throw SetupFailed(text: last) }
    }
}

import EntropyState
import Platform

/// The lock that a running source holds beside its report: who reads the report can tell whether there is still somebody who would
/// write it, and no other source writes there.
public enum ReportLock {
    /// Milliseconds to wait for who only looks whether the lock is held.
    private static let patience: Int64 = 500

    private static func lock(of path: String) -> String {
        let real = Path.resolvingLinks(path)
        return "\(Path.directory(of: real))/.\(Path.name(of: real)).source"
    }

    /// Keeps every other source from the report at `path`, as long as the lock that is returned lives.
    static func hold(_ path: String) throws(SystemError) -> FileLock {
        try FileLock(lock(of: path), patience: patience)
    }

    /// Whether a source holds it; nil where this user cannot see it.
    public static func isHeld(_ path: String) -> Bool? {
        guard Path.exists(lock(of: path)) else { return false }
        do throws(SystemError) {
            // One that was killed left it there: then it is gone now.
            _ = try FileLock(lock(of: path))
            return false
        } catch {
            return error.isHeld ? true : nil
        }
    }
}

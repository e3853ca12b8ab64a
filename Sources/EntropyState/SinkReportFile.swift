import Platform

/// The file that a running sink writes its report to. It holds a lock meanwhile: no other sink writes there, and who reads the
/// file can tell whether there is still somebody who would write it.
public struct SinkReportFile: Sendable {
    /// Bytes of the file at the most: as many signers and sources as there can be, and more.
    private static let maximumSize = 1 << 17
    /// Milliseconds to wait for who only looks whether the lock is held.
    private static let patience: Int64 = 500

    public let path: String

    public init(_ path: String) { self.path = path }

    // As that of the counters: whoever names the file that a sink keeps its counters in finds it in use.
    private var lock: String {
        let real = Path.resolvingLinks(path)
        return "\(Path.directory(of: real))/.\(Path.name(of: real)).sink"
    }

    /// Keeps every other sink from the file, as long as the lock that is returned lives.
    public func hold() throws(StateError) -> FileLock {
        do throws(SystemError) {
            return try FileLock(lock, patience: SinkReportFile.patience)
        } catch {
            guard !error.isHeld else { throw .reportInUse(file: path) }
            // The file's own name says more to a person than that of its lock.
            throw .file(SystemError("write", path, errno: error.errno, .creating))
        }
    }

    /// Whether a sink holds it; nil where this user cannot see it.
    public var isHeld: Bool? {
        guard Path.exists(lock) else { return false }
        do throws(SystemError) {
            // One that was killed left it there: then it is gone now.
            _ = try FileLock(lock)
            return false
        } catch {
            return error.isHeld ? true : nil
        }
    }

    /// What a sink wrote there.
    public func read() throws(StateError) -> SinkReport {
        try SinkReport(decoding: try StateFile.contents(of: path, limit: SinkReportFile.maximumSize), file: path)
    }

    /// What a sink that ended wrote there; nil where there is no file, or an empty one. Throws where there is anything else,
    /// which may be what somebody cannot do without.
    public func earlier() throws(StateError) -> SinkReport? {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: SinkReportFile.maximumSize)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
        return bytes.isEmpty ? nil : try SinkReport(decoding: bytes, file: path)
    }

    /// Replaces the file.
    public func write(_ report: SinkReport) throws(StateError) {
        let file = try StateFile.locked(path)
        // Not read before: nobody else has anything to say here.
        do throws(SystemError) { _ = try file.replace(with: report.encode()) } catch { throw .file(error) }
    }
}

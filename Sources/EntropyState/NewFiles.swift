import Platform

/// Files that a program makes together: all of them are on the medium before the first one gets its name.
public final class NewFiles {
    /// One file's contents and permission bits.
    public struct Content {
        let bytes: [UInt8]
        let mode: UInt32

        /// For its owner alone: 0600.
        public static func secret(_ bytes: [UInt8]) -> Content { Content(bytes: bytes, mode: 0o600) }
        /// For everyone to read: 0644.
        public static func open(_ bytes: [UInt8]) -> Content { Content(bytes: bytes, mode: 0o644) }
    }

    private let paths: [String]
    private let files: [StateFile]
    private let force: Bool

    /// Refuses names that are taken, unless `force` says to replace what is there, and directories that cannot be written:
    /// before anything is made, which may take a minute.
    public init(_ paths: [String], force: Bool) throws(StateError) {
        var files: [StateFile] = []
        for (place, path) in paths.enumerated() {
            // The second one would wait for the first one's lock.
            guard !paths[..<place].contains(where: { Text.areEqual($0, path) }) else { throw .sameName(path) }
            guard force || !Path.exists(path) else { throw .file(SystemError.existing(path)) }
            guard !Path.isDirectory(path) else { throw .file(SystemError.directory(path)) }
            files.append(try StateFile.locked(path))
        }
        self.paths = paths
        self.files = files
        self.force = force
    }

    /// Writes the files, in the order of their paths. Where one cannot get its name those before it lose theirs again.
    public func write(_ contents: [Content]) throws(StateError) {
        precondition(contents.count == files.count, "each file has its contents")
        do throws(SystemError) {
            for (file, content) in zip(files, contents) { try file.prepare(content.bytes, mode: content.mode) }
            for file in files { try file.publish(replacing: force) }
        } catch {
            // What was replaced is gone already: then the new ones are better than nothing.
            if !force { for (file, path) in zip(files, paths) where file.isPublished { try? Path.remove(path) } }
            throw .file(error)
        }
    }
}

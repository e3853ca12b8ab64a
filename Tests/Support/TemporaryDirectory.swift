import Foundation

/// A directory that is gone with this value. Its path is short enough for Unix sockets.
public final class TemporaryDirectory: Sendable {
    public let path: String

    public init() throws {
        let template = FileManager.default.temporaryDirectory.appendingPathComponent("es.XXXXXX").path
        var bytes = Array(template.utf8CString)
        guard mkdtemp(&bytes) != nil else { throw POSIXError(.EIO) }
        path = String(decoding: bytes.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    public func write(_ name: String, _ bytes: [UInt8], mode: Int = 0o600) throws {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name))
    }

    public func write(_ name: String, _ text: String, mode: Int = 0o600) throws {
        try write(name, Array(text.utf8), mode: mode)
    }

    public func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    public func read(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: file(name)))) }

    public func text(_ name: String) throws -> String { String(decoding: try read(name), as: UTF8.self) }

    public func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: file(name))
        return (attributes[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }

    public func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    /// Every file's name and contents: to show that a refusal changed nothing. Left out is what a running sink writes of itself,
    /// at its own time.
    public func snapshot() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try names() where !name.contains("sink.status.json") && !name.contains("source.status.json") {
            files[name] = FileManager.default.contents(atPath: file(name)) ?? Data()
        }
        return files
    }
}

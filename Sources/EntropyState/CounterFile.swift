import EntropyCrypto
import Platform

/// The object whose `Counter` is the last one that a sink accepted: its configuration, or a file beside it.
public struct CounterFile: Sendable {
    public let path: String
    /// True when it is the sink's configuration, which must exist and whose other members are kept.
    let isConfiguration: Bool

    /// The stored counter; nil when the file or the member is missing.
    func load() throws(StateError) -> Int64? {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: SinkConfiguration.maximumSize)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
        defer { wipe(&bytes) }
        return try counter(in: try SinkConfiguration.parse(bytes, path))
    }

    /// Shows, before the first packet comes, that counters can be stored: replaces the file with its own contents, or
    /// writes one with `counter` where the configuration names a file that does not exist yet.
    public func claim(counter: Int64) throws(StateError) {
        let file = try lock()
        var bytes: [UInt8]
        if let found = try file.contents(limit: SinkConfiguration.maximumSize) {
            bytes = found
        } else {
            if isConfiguration { throw .file(SystemError.missing(path)) }
            let document = JSONDocument(empty: .object)
            document.value.set("Counter", counter)
            bytes = document.encode()
        }
        defer { wipe(&bytes) }
        do throws(SystemError) { try file.replace(with: bytes) } catch { throw .counterNotStorable(error) }
    }

    /// Stores the counter, durably, in the file as it is now. Throws `counterNotAbove` where that has the same or a
    /// greater one, which an operator or another sink put there, and refuses to make a configuration where there is none.
    public func store(_ counter: Int64) throws(StateError) {
        let file = try lock()
        var document = JSONDocument(empty: .object)
        if var bytes = try file.contents(limit: SinkConfiguration.maximumSize) {
            defer { wipe(&bytes) }
            document = try SinkConfiguration.parse(bytes, path)
        } else if isConfiguration {
            throw .file(SystemError.missing(path))
        }
        if let stored = try self.counter(in: document), stored >= counter { throw .counterNotAbove(stored: stored) }
        document.value.set("Counter", counter)
        try file.save(document)
    }

    private func lock() throws(StateError) -> StateFile {
        do throws(StateError) {
            return try StateFile.locked(path)
        } catch {
            guard isConfiguration, case .file(let error) = error else { throw error }
            throw .counterNotStorable(error)
        }
    }

    private func counter(in document: JSONDocument) throws(StateError) -> Int64? {
        try FieldReader(file: path, prefix: "", object: document.value).integer("Counter")
    }
}

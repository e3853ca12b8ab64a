import Platform

/// The object whose `Counter` is the last one that a sink accepted: its configuration, or a file beside it.
public struct CounterFile: Sendable {
    public let path: String
    /// True when it is the sink's configuration, which must exist and whose other members are kept.
    let isConfiguration: Bool

    /// The stored counter; nil when the file or the member is missing.
    func load() throws(StateError) -> Int64? {
        guard Path.exists(path) else { return nil }
        return try counter(in: try StateFile.contents(of: path, limit: SinkConfiguration.maximumSize))
    }

    /// Stores the counter, durably, in the file as it is now. Refuses to make a configuration where there is none.
    public func store(_ counter: Int64) throws(StateError) {
        let file = try StateFile.locked(path)
        var document = JSONDocument(empty: .object)
        if let bytes = try file.contents(limit: SinkConfiguration.maximumSize) {
            document = try SinkConfiguration.parse(bytes, path)
        } else if isConfiguration {
            throw .file(SystemError.missing(path))
        }
        document.value.set("Counter", counter)
        try file.save(document)
    }

    private func counter(in bytes: [UInt8]) throws(StateError) -> Int64? {
        let document = try SinkConfiguration.parse(bytes, path)
        return try FieldReader(file: path, prefix: "", object: document.value).integer("Counter")
    }
}

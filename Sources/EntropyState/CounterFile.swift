import EntropyCrypto
import Platform

/// Where the counters of the last packets that a sink accepted are kept, one for each signer: in its configuration, or in
/// a file beside it. Either has one `Counter`, or a list `Signer` of objects with a `Key` and a `Counter` each.
public struct CounterFile: Sendable {
    public let path: String
    /// True when it is the sink's configuration, which must exist and whose other members are kept.
    let isConfiguration: Bool
    /// True when there is more than one signer: then a counter that names no key is nobody's.
    let isShared: Bool

    /// The stored counter of `signer`; nil when the file or the member is missing.
    func load(_ signer: KnownSigner) throws(StateError) -> Int64? {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: SinkConfiguration.maximumSize)
        } catch {
            if error.isMissing { return nil }
            throw .file(error)
        }
        defer { wipe(&bytes) }
        return try counter(at: try place(of: signer, in: try SinkConfiguration.parse(bytes, path)))
    }

    /// Shows, before the first packet comes, that counters can be stored: replaces the file with its own contents, or
    /// writes one where the configuration names a file that does not exist yet.
    public func claim(_ signers: [KnownSigner]) throws(StateError) {
        let file = try lock()
        var bytes: [UInt8]
        if let found = try file.contents(limit: SinkConfiguration.maximumSize) {
            bytes = found
        } else {
            if isConfiguration { throw .file(SystemError.missing(path)) }
            let document = JSONDocument(empty: .object)
            for signer in signers { insert(signer, in: document).set("Counter", signer.counter) }
            bytes = document.encode()
        }
        defer { wipe(&bytes) }
        do throws(SystemError) { try file.replace(with: bytes) } catch { throw .counterNotStorable(error) }
    }

    /// Stores the counter of `signer`, durably, in the file as it is now. Throws `counterNotAbove` where that has the same
    /// or a greater one, which an operator or another sink put there, and `signerGone` where a configuration no longer
    /// lists the signer; refuses to make a configuration where there is none.
    public func store(_ counter: Int64, for signer: KnownSigner) throws(StateError) {
        let file = try lock()
        var document = JSONDocument(empty: .object)
        if var bytes = try file.contents(limit: SinkConfiguration.maximumSize) {
            defer { wipe(&bytes) }
            document = try SinkConfiguration.parse(bytes, path)
        } else if isConfiguration {
            throw .file(SystemError.missing(path))
        }
        if let place = try place(of: signer, in: document) {
            if let stored = try self.counter(at: place), stored >= counter { throw .counterNotAbove(stored: stored) }
            place.set("Counter", counter)
        } else {
            guard !isConfiguration else { throw .signerGone(file: path) }
            insert(signer, in: document).set("Counter", counter)
        }
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

    private func counter(at place: JSONValue?) throws(StateError) -> Int64? {
        guard let place else { return nil }
        return try FieldReader(file: path, object: place).integer("Counter")
    }

    /// The object whose `Counter` is the signer's; nil where there is none.
    private func place(of signer: KnownSigner, in document: JSONDocument) throws(StateError) -> JSONValue? {
        let root = document.value
        guard let named = root["Signer"] else {
            // A file that has a counter without a key's name is that of a sink with one signer.
            if isShared, root["Counter"] != nil { throw unnamed }
            return isShared || isConfiguration ? nil : root
        }
        guard let entries = named.elements else {
            guard let key = named.string, signer.has(key: key) else { return nil }
            return root
        }
        return entries.first { $0["Key"]?.string.map { signer.has(key: $0) } ?? false }
    }

    private var unnamed: StateError {
        .content(
            file: path, field: "Counter",
            expected: "a list Signer with the Key and the Counter of each signer: which of them this counts for "
                + "is not said (entropy-config --add-signer says it)")
    }

    /// A new place for a signer's counter, in a file that is no configuration.
    private func insert(_ signer: KnownSigner, in document: JSONDocument) -> JSONValue {
        guard isShared || document.value["Signer"] != nil else { return document.value }
        let entry = document.value.array("Signer").appendObject()
        entry.set("Key", Base64.encode(signer.key.pkix))
        return entry
    }
}

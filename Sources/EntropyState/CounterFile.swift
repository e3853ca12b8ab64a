import EntropyCrypto
import Platform

/// Where the counters of the last packets that a sink accepted are kept, one for each signer: in its configuration, or in
/// a file beside it. Either is a `SignerTable`.
public struct CounterFile: Sendable {
    public let path: String
    /// True when it is the sink's configuration, which must exist, whose other members are kept, and which says itself
    /// whose packets are taken.
    let isConfiguration: Bool

    /// The signers with the counters that are stored there, where these are greater.
    func raise(_ signers: [KnownSigner]) throws(StateError) -> [KnownSigner] {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: SinkConfiguration.maximumSize)
        } catch {
            if error.isMissing { return signers }
            throw .file(error)
        }
        defer { wipe(&bytes) }
        let table = try self.table(try SinkConfiguration.parse(bytes, path), signers)
        return signers.map { $0.raised(to: table.unnamedCounter ?? table.entry(of: $0.key)?.counter) }
    }

    /// Shows, before the first packet comes, that counters can be stored: replaces a configuration with its own contents,
    /// and has another file say every signer's counter, by its key.
    public func claim(_ signers: [KnownSigner]) throws(StateError) {
        let file = try lock()
        var bytes: [UInt8]
        if isConfiguration {
            guard let found = try file.contents(limit: SinkConfiguration.maximumSize) else {
                throw .file(SystemError.missing(path))
            }
            bytes = found
        } else {
            bytes = try completed(try read(file), signers).encode()
        }
        defer { wipe(&bytes) }
        do throws(SystemError) { try file.replace(with: bytes) } catch { throw .counterNotStorable(error) }
    }

    /// Stores the counter of one of the signers, durably, in the file as it is now. Throws `counterNotAbove` where that has
    /// the same or a greater one, which an operator or another sink put there, and `signerGone` where a configuration no
    /// longer lists the signer; refuses to make a configuration where there is none.
    public func store(_ counter: Int64, for place: Int, of signers: [KnownSigner]) throws(StateError) {
        let file = try lock()
        var document = try read(file)
        if !isConfiguration { document = try completed(document, signers) }
        guard let entry = try table(document, signers).entry(of: signers[place].key),
            !(isConfiguration && entry.isRemoved)
        else { throw .signerGone(file: path) }
        if let stored = entry.counter, stored >= counter { throw .counterNotAbove(stored: stored) }
        entry.object.set("Counter", counter)
        try file.save(document, limit: SinkConfiguration.maximumSize)
    }

    /// Keeps every other sink from storing counters there, as long as the lock that is returned lives. An editor of the
    /// configuration is not kept from it.
    public func hold() throws(StateError) -> FileLock {
        let real = Path.resolvingLinks(path)
        do throws(SystemError) {
            return try FileLock("\(Path.directory(of: real))/.\(Path.name(of: real)).sink")
        } catch {
            guard !error.isHeld else { throw .inUse(file: path) }
            // The file's own name says more to a person than that of its lock.
            let shown = SystemError("write", path, errno: error.errno, .creating)
            if isConfiguration { throw .counterNotStorable(shown) }
            throw .file(shown)
        }
    }

    /// Has a file beside the configuration say whose its counter is, before there is another signer.
    func name(_ signers: [KnownSigner]) throws(StateError) {
        guard !isConfiguration, Path.exists(path) else { return }
        let file = try lock()
        let document = try read(file)
        guard try table(document, signers).unnamedCounter != nil else { return }
        try file.save(try completed(document, signers), limit: SinkConfiguration.maximumSize)
    }

    private func lock() throws(StateError) -> StateFile {
        do throws(StateError) {
            return try StateFile.locked(path)
        } catch {
            guard isConfiguration, case .file(let error) = error else { throw error }
            throw .counterNotStorable(error)
        }
    }

    /// The file's contents; an empty object where there is no file, unless it is the configuration.
    private func read(_ file: StateFile) throws(StateError) -> JSONDocument {
        guard var bytes = try file.contents(limit: SinkConfiguration.maximumSize) else {
            if isConfiguration { throw .file(SystemError.missing(path)) }
            return JSONDocument(empty: .object)
        }
        defer { wipe(&bytes) }
        return try SinkConfiguration.parse(bytes, path)
    }

    /// The same with every signer in it: with the counter that it has there, or else with the one that is known here.
    private func completed(_ document: JSONDocument, _ signers: [KnownSigner]) throws(StateError) -> JSONDocument {
        let table = try table(document, signers)
        if let only = signers.first, signers.count == 1, table.entries.isEmpty {
            if table.unnamedCounter == nil { document.value.set("Counter", only.counter) }
            table.nameCounter(only.key)
            return document
        }
        for signer in signers where table.entry(of: signer.key) == nil {
            try self.table(document, signers).append(signer.key, counter: signer.counter)
        }
        return document
    }

    private func table(_ document: JSONDocument, _ signers: [KnownSigner]) throws(StateError) -> SignerTable {
        let table = try SignerTable(FieldReader(file: path, object: document.value))
        guard table.unnamedCounter == nil || signers.count == 1 || isConfiguration else {
            throw .content(
                file: path, field: "Counter",
                expected:
                    "\"Signer\" beside it, the key that it counts for, as base64 of its DER: there are several signers")
        }
        return table
    }
}

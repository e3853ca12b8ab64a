import EntropyCrypto
import Platform

/// Where the counters of the last packets that a sink accepted are kept, one for each signer: in its configuration, or in
/// a file beside it. Either is a `SignerTable`.
public struct CounterFile: Sendable {
    public let path: String
    /// True when it is the sink's configuration, which must exist, whose other members are kept, and which says itself
    /// whose packets are taken.
    let isConfiguration: Bool

    /// What became of a counter that was to be stored.
    public enum Stored: Sendable, Equatable {
        /// It is on the medium, in the place of this one.
        case done(before: Int64)
        /// The file has the same or a greater one, which an operator or another sink put there.
        case notAbove(Int64)
        /// The configuration no longer lists the signer.
        case signerGone

        fileprivate var isDone: Bool {
            if case .done = self { true } else { false }
        }
    }

    /// What the file did not have of that which the sink knows: it is written there again.
    public enum Loss: Sendable, Equatable {
        /// There was no file.
        case file
        /// A signer was not in it.
        case signer
        /// A signer's counter was smaller.
        case counter
    }

    /// What came of storing counters.
    public struct Storing: Sendable, Equatable {
        /// One for each signer.
        public let stored: [Stored]
        /// Nil where the file was as the sink left it, or further on.
        public let loss: Loss?
    }

    /// The signers with the counters that are stored there, where these are greater. A signer that is not there has no known
    /// counter.
    /// `remarks` gets lines about keys that stand there in several forms.
    func raise(_ signers: [KnownSigner], _ remarks: inout [String]) throws(StateError) -> [KnownSigner] {
        try StateFile.patiently { () throws(StateError) in
            var bytes: [UInt8]
            do throws(SystemError) {
                bytes = try StateFile.read(path, limit: SinkConfiguration.maximumSize)
            } catch {
                if error.isMissing { return signers.map { CounterFile.raise($0, to: nil) } }
                throw .file(error)
            }
            defer { wipe(&bytes) }
            let table = try self.table(try SinkConfiguration.parse(bytes, path), signers)
            remarks += table.remarks(path)
            return signers.map {
                CounterFile.raise($0, to: table.unnamedCounter ?? table.entry(of: $0.key)?.counter)
            }
        }
    }

    private static func raise(_ signer: KnownSigner, to found: Int64?) -> KnownSigner {
        var raised = signer.raised(to: found)
        raised.isCounterKnown = found != nil && raised.counter != 0
        return raised
    }

    /// Shows, before the first packet comes, that counters can be stored: replaces a configuration with its own contents,
    /// and has another file say every signer's counter, by its key. None there is smaller than the one that is known here.
    public func claim(_ signers: [KnownSigner]) throws(StateError) {
        do throws(StateError) {
            try change { (bytes) throws(StateError) in
                if isConfiguration, let bytes { return Change(contents: bytes, result: ()) }
                let document = try completed(try parse(bytes), signers)
                let table = try table(document, signers)
                for signer in signers { _ = raise(signer, in: table) }
                return Change(contents: document.encode(), result: ())
            }
        } catch {
            guard isConfiguration, case .file(let cause) = error, cause.isAboutWriting else { throw error }
            throw .counterNotStorable(cause)
        }
    }

    /// Stores new counters, one for each signer that has one, all of them at once and durably, in the file as it is now.
    /// Says of each what became of it: no counter falls. What the file has lost of the counters that `signers` have, those of
    /// the packets before, is written there again. Refuses to make a configuration where there is none.
    public func store(_ counters: [Int64?], of signers: [KnownSigner]) throws(StateError) -> Storing {
        try change { (bytes) throws(StateError) in
            var document = try parse(bytes)
            var loss: Loss? = bytes?.isEmpty ?? true ? .file : nil
            if !isConfiguration {
                let found = try table(document, signers)
                let isComplete =
                    found.unnamedCounter != nil || signers.allSatisfy { found.entry(of: $0.key) != nil }
                if !isComplete, loss == nil { loss = .signer }
                document = try completed(document, signers)
            }
            let table = try table(document, signers)
            var stored: [Stored] = []
            for (counter, signer) in zip(counters, signers) {
                if raise(signer, in: table), loss == nil { loss = .counter }
                stored.append(store(counter, of: signer, in: table))
            }
            let isChanged = loss != nil || stored.contains { $0.isDone }
            return Change(contents: isChanged ? document.encode() : nil, result: Storing(stored: stored, loss: loss))
        }
    }

    /// Writes the counter that is known where a smaller one stands; returns whether one did.
    private func raise(_ signer: KnownSigner, in table: SignerTable) -> Bool {
        guard let entry = table.entry(of: signer.key), (entry.counter ?? 0) < signer.counter else { return false }
        entry.object.set("Counter", signer.counter)
        return true
    }

    private func store(_ counter: Int64?, of signer: KnownSigner, in table: SignerTable) -> Stored {
        guard let entry = table.entry(of: signer.key), !(isConfiguration && entry.isRemoved) else { return .signerGone }
        let found = max(entry.counter ?? signer.counter, signer.counter)
        guard let counter, counter > found else { return .notAbove(found) }
        entry.object.set("Counter", counter)
        return .done(before: found)
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
        try change { (bytes) throws(StateError) in
            let document = try parse(bytes)
            guard try table(document, signers).unnamedCounter != nil else { return Change(contents: nil, result: ()) }
            return Change(contents: try completed(document, signers).encode(), result: ())
        }
    }

    private func change<Result>(
        _ body: ([UInt8]?) throws(StateError) -> Change<Result>
    ) throws(StateError) -> Result {
        try StateFile.change(path, limit: SinkConfiguration.maximumSize, body)
    }

    /// The file's contents; an empty object where there is no file, or nothing in it, unless it is the configuration.
    private func parse(_ bytes: [UInt8]?) throws(StateError) -> JSONDocument {
        guard let bytes, isConfiguration || !bytes.isEmpty else {
            if isConfiguration { throw .file(SystemError.missing(path)) }
            return JSONDocument(empty: .object)
        }
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
        let table = try SignerTable(FieldReader(file: path, object: document.value), known: signers)
        guard table.unnamedCounter == nil || signers.count == 1 || isConfiguration else {
            throw .content(
                file: path, field: "Counter",
                expected:
                    "\"Signer\" beside it, the key that it counts for, as base64 of its DER: there are several signers")
        }
        return table
    }
}

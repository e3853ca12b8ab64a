import EntropyCrypto
import Platform

/// Brings a signer into a sink's configuration, or takes one out of it, in place: under the lock that a running sink
/// stores its counters under, and without a counter being lost or given to another key.
public struct SignerEditor {
    private let path: String

    /// For the configuration at `path`.
    public init(_ path: String) { self.path = path }

    /// Takes `removed` out and brings `added` in, both or neither. A new signer's counter begins at 0; one that was taken
    /// out before goes on where it was. Returns how many signers there are now.
    public func change(adding added: PublicKey?, removing removed: PublicKey?) throws(StateError) -> Int {
        try StateFile.change(path, limit: SinkConfiguration.maximumSize) { (bytes) throws(StateError) in
            guard let bytes else { throw .file(SystemError.missing(path)) }
            // Read once: what is judged is what is changed. Only what is good is changed, and judged again afterwards.
            let document = try SinkConfiguration.parse(bytes, path)
            let before = try SinkConfiguration(document, path)
            if let removed { try remove(removed, from: document) }
            if let added { try add(added, to: document) }
            let count = try table(document).entries.count { !$0.isRemoved }
            guard count > 0 else { throw .signers(file: path, "this is the only signer: bring another one in first") }
            guard count <= KnownSigner.maximumCount else {
                throw .signers(file: path, "there are \(KnownSigner.maximumCount) signers already: remove one first")
            }
            try before.counterFile.name(before.signers)
            return Change(contents: document.encode(), result: count)
        }
    }

    private func table(_ document: JSONDocument) throws(StateError) -> SignerTable {
        try SignerTable(FieldReader(file: path, object: document.value))
    }

    private func add(_ key: PublicKey, to document: JSONDocument) throws(StateError) {
        let table = try table(document)
        guard let entry = table.entry(of: key) else { return table.append(key, counter: 0) }
        guard entry.isRemoved else {
            throw .signers(file: path, "this signer is there already")
        }
        entry.object.remove("Removed")
    }

    private func remove(_ key: PublicKey, from document: JSONDocument) throws(StateError) {
        let table = try table(document)
        guard let entry = table.entry(of: key), !entry.isRemoved else {
            throw .signers(file: path, "this key is not among the signers")
        }
        table.remove(entry)
    }
}

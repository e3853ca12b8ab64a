import EntropyCrypto
import Platform

/// The signers and their counters as they stand in a sink's configuration, or in the file that its `State` names: `Signer` is
/// one key with a `Counter` beside it, or a list of objects with a `Key` and a `Counter` each. A counter knows its key: none
/// ever passes to another one.
struct SignerTable {
    /// One key and the object whose `Counter` is its own.
    struct Entry {
        let key: PublicKey
        let counter: Int64?
        /// Taken out; its counter stays, so that what it sent before stays refused should it come back.
        let isRemoved: Bool
        let object: JSONValue
    }

    /// Entries of a list at the most, those that were taken out included.
    private static let maximumCount = 64

    private let root: JSONValue
    let entries: [Entry]
    /// A counter that stands alone, as files of a sink with one signer had it.
    let unnamedCounter: Int64?

    /// Judges every entry. Those among `known` were judged before: it takes a good part of a millisecond for each.
    init(_ reader: FieldReader, known: [KnownSigner] = []) throws(StateError) {
        root = reader.object
        guard let named = root["Signer"] else {
            entries = []
            unnamedCounter = try reader.integer("Counter")
            return
        }
        unnamedCounter = nil
        if let elements = named.elements {
            entries = try SignerTable.list(elements, reader, known)
        } else {
            let key = try SignerTable.key(reader, "Signer", known)
            entries = [Entry(key: key, counter: try reader.integer("Counter"), isRemoved: false, object: root)]
        }
    }

    private static func list(
        _ elements: [JSONValue], _ reader: FieldReader, _ known: [KnownSigner]
    ) throws(StateError) -> [Entry] {
        guard (1...maximumCount).contains(elements.count) else {
            throw reader.wrong(
                "Signer",
                "a key, or a list of 1 to \(maximumCount) objects with Key and Counter (those of signers that will not "
                    + "come back may be deleted)")
        }
        guard reader.object["Counter"] == nil else {
            throw reader.wrong(
                "Counter", "none beside a list of signers: it belongs into the entry of the key that it counts for")
        }
        var entries: [Entry] = []
        for (place, element) in elements.enumerated() {
            let prefix = "Signer, entry \(place + 1)"
            guard element.kind == .object else {
                throw .content(file: reader.file, field: prefix, expected: "an object with Key and Counter")
            }
            let entry = FieldReader(file: reader.file, prefix: "\(prefix), ", object: element)
            let key = try key(entry, "Key", known)
            if let earlier = entries.firstIndex(where: { $0.key.pkix == key.pkix }) {
                throw entry.wrong("Key", "another key than entry \(earlier + 1) has: one key has one counter")
            }
            entries.append(
                Entry(
                    key: key, counter: try entry.required("Counter", try entry.integer("Counter")),
                    isRemoved: try entry.boolean("Removed") ?? false, object: element))
        }
        return entries
    }

    private static func key(
        _ reader: FieldReader, _ field: StaticString, _ known: [KnownSigner]
    ) throws(StateError) -> PublicKey {
        if let text = try reader.string(field), let same = known.first(where: { Text.areEqual($0.text, text) }) {
            return same.key
        }
        let bytes = try reader.requiredBytes(field)
        do throws(CryptoError) {
            return try PublicKey(bytes)
        } catch {
            throw reader.wrong(field, "a PKIX public key, RSA or P-256 (\(error.message))")
        }
    }

    /// The key's entry, in whatever form the key was written.
    func entry(of key: PublicKey) -> Entry? { entries.first { $0.key.pkix == key.pkix } }

    /// Writes whose the counter is that stands alone.
    func nameCounter(_ key: PublicKey) { root.set("Signer", Base64.encode(key.pkix)) }

    /// Adds a key that is not there. One key becomes a list, and takes its counter along.
    func append(_ key: PublicKey, counter: Int64) { SignerTable.write(key, counter, to: list) }

    /// Takes a key out, and keeps its counter.
    func remove(_ entry: Entry) {
        guard let place = entries.firstIndex(where: { $0.key.pkix == entry.key.pkix }) else { return }
        list.elements?[place].set("Removed", boolean: true)
    }

    private var list: JSONValue {
        root.array("Signer") { list in
            for entry in entries { SignerTable.write(entry.key, entry.counter ?? 0, to: list) }
            root.remove("Counter")
        }
    }

    private static func write(_ key: PublicKey, _ counter: Int64, to list: JSONValue) {
        let object = list.appendObject()
        object.set("Key", Base64.encode(key.pkix))
        object.set("Counter", counter)
    }
}

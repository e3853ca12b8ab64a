import EntropyCrypto
import Platform

/// The signers and their counters as they stand in a sink's configuration, or in the file that its `State` names: `Signer` is
/// one key with a `Counter` beside it, or a list of objects with a `Key` and a `Counter` each. A counter knows its key: none
/// ever passes to another one.
struct SignerTable {
    /// One key and the object whose `Counter` is its own.
    struct Entry {
        let key: PublicKey
        /// Of a key with twins: the greatest.
        var counter: Int64?
        /// Taken out; its counter stays, so that what it sent before stays refused should it come back. Of a key with twins:
        /// one of them was taken out.
        var isRemoved: Bool
        let object: JSONValue
        /// The place in the list, from 1 on.
        let place: Int
        /// Entries of the list with the same key in another form, as files of version 2.0 may have them.
        var twins: [(object: JSONValue, place: Int)] = []

        /// One line about an entry with twins.
        func remark(_ file: String) -> String? {
            guard !twins.isEmpty else { return nil }
            var places = "\(place)"
            for twin in twins { places += " and \(twin.place)" }
            let label = String(decoding: key.fingerprint.utf8.prefix(8), as: UTF8.self)
            let end =
                isRemoved
                ? "it is taken as removed, as one of them is"
                : "it is taken as one signer with the greatest counter, \(counter ?? 0)"
            let mark = isRemoved ? "\"Removed\": true and " : ""
            return "\(file): Signer, entries \(places) are one key, \(label), in several forms: \(end); delete all but "
                + "one, and give that one \(mark)the counter \(counter ?? 0)"
        }
    }

    /// Entries of a list at the most, those that were taken out included.
    private static let maximumCount = 64

    /// What an entry of a list may have.
    static let members: [StaticString] = ["Key", "Counter", "Removed"]

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
            entries = [
                Entry(key: key, counter: try reader.integer("Counter"), isRemoved: false, object: root, place: 1)
            ]
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
            let counter = try entry.required("Counter", try entry.integer("Counter"))
            let isRemoved = try entry.boolean("Removed") ?? false
            guard let earlier = entries.firstIndex(where: { $0.key.pkix == key.pkix }) else {
                entries.append(
                    Entry(key: key, counter: counter, isRemoved: isRemoved, object: element, place: place + 1))
                continue
            }
            let others = [entries[earlier].object] + entries[earlier].twins.map { $0.object }
            let text = element["Key"]?.string ?? ""
            guard !others.contains(where: { Text.areEqual($0["Key"]?.string ?? "", text) }) else {
                throw entry.wrong(
                    "Key", "another key than entry \(entries[earlier].place) has: one key has one counter")
            }
            // One key in two forms, of a version that took it for two. A recording counts for both.
            entries[earlier].counter = max(entries[earlier].counter ?? counter, counter)
            entries[earlier].isRemoved = entries[earlier].isRemoved || isRemoved
            entries[earlier].twins.append((element, place + 1))
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

    /// Takes a key out, in all its forms, and keeps its counter.
    func remove(_ entry: Entry) {
        guard root["Signer"]?.kind == .array else {
            // One key becomes a list of one.
            list.elements?.first?.set("Removed", boolean: true)
            return
        }
        entry.object.set("Removed", boolean: true)
        for twin in entry.twins { twin.object.set("Removed", boolean: true) }
    }

    /// Brings a key back that was taken out, in all its forms.
    func bringBack(_ entry: Entry) {
        entry.object.remove("Removed")
        for twin in entry.twins { twin.object.remove("Removed") }
    }

    /// Lines about keys that stand there in several forms.
    func remarks(_ file: String) -> [String] { entries.compactMap { $0.remark(file) } }

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

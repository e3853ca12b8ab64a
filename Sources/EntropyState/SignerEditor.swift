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
        table.bringBack(entry)
    }

    private func remove(_ key: PublicKey, from document: JSONDocument) throws(StateError) {
        let table = try table(document)
        guard let entry = table.entry(of: key) else {
            throw .signers(file: path, "this key is not among the signers: \(list(table.entries))")
        }
        guard !entry.isRemoved else { throw .signers(file: path, "this signer was removed already") }
        table.remove(entry)
    }

    /// Digits of a fingerprint that are enough to name a signer, where they are the beginning of one only.
    private static let shortestPrefix = 4

    /// True for what can be the beginning of a fingerprint: hexadecimal digits, at least 4. Colons between them are passed over.
    public static func isFingerprint(_ text: String) -> Bool { digits(text) != nil }

    /// The key of the configuration's signer whose fingerprint begins with `text`, be it one that was taken out.
    public func find(_ text: String) throws(StateError) -> PublicKey {
        let wanted = SignerEditor.digits(text) ?? ""
        let bytes = try StateFile.contents(of: path, limit: SinkConfiguration.maximumSize)
        let entries = try table(try SinkConfiguration.parse(bytes, path)).entries
        let found = entries.filter { Text.begins($0.key.fingerprint, with: wanted) }
        guard let first = found.first, !wanted.isEmpty else {
            throw .signers(file: path, "no signer's fingerprint begins with \(text): \(list(entries))")
        }
        guard found.count == 1 else {
            throw .signers(file: path, "\(text) is the beginning of several fingerprints: \(list(found))")
        }
        return first.key
    }

    /// Lower-case digits; nil for anything but 4 to 64 hexadecimal digits, with colons or without.
    private static func digits(_ text: String) -> String? {
        let digits = text.utf8.filter { $0 != UInt8(ascii: ":") }.map { (0x41...0x46).contains($0) ? $0 | 0x20 : $0 }
        let isHexadecimal = digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isHexadecimal, (shortestPrefix...64).contains(digits.count) else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }

    private func list(_ entries: [SignerTable.Entry]) -> String {
        var text = ""
        for entry in entries {
            text += (text.isEmpty ? "" : ", ") + entry.key.fingerprint + (entry.isRemoved ? " (removed)" : "")
        }
        return text.isEmpty ? "there is none" : "there is \(text)"
    }
}

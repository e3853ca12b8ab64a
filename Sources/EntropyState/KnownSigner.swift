import EntropyCrypto

/// A signer whose packets a sink takes, and the counter of the last one that it took.
public struct KnownSigner: Sendable {
    /// Keys that a configuration may list: each packet is tried with every one of them.
    static let maximumCount = 16

    public let key: PublicKey
    /// As it was when the configuration was read.
    public let counter: Int64
    /// The key as it stands in the configuration, base64.
    let text: String

    /// The first digits of the fingerprint, for a log.
    public var label: String { String(decoding: key.fingerprint.utf8.prefix(8), as: UTF8.self) }

    init(_ reader: FieldReader, _ field: StaticString, counter: Int64) throws(StateError) {
        text = try reader.required(field, try reader.string(field))
        self.counter = counter
        let bytes = try reader.requiredBytes(field)
        do throws(CryptoError) {
            key = try PublicKey(bytes)
        } catch {
            throw reader.wrong(field, "a PKIX public key, RSA or P-256 (\(error.message))")
        }
    }

    private init(_ signer: KnownSigner, counter: Int64) {
        key = signer.key
        text = signer.text
        self.counter = counter
    }

    /// The same signer with this counter, unless its own is greater: an old file opens no door to a replay.
    func raised(to stored: Int64?) -> KnownSigner { KnownSigner(self, counter: max(counter, stored ?? counter)) }

    /// True when `text`, base64, is this signer's key in any form that is read.
    func has(key text: String) -> Bool {
        if text.utf8.elementsEqual(self.text.utf8) { return true }
        guard let bytes = Base64.decode(text), let other = try? PublicKey(bytes) else { return false }
        return other.pkix == key.pkix
    }

    /// The signers of a configuration: `Signer` is one key, whose counter stands beside it, or a list of objects with a
    /// `Key` and a `Counter` each.
    static func list(_ reader: FieldReader) throws(StateError) -> [KnownSigner] {
        guard let elements = reader.object["Signer"]?.elements else {
            return [try KnownSigner(reader, "Signer", counter: try reader.integer("Counter") ?? 0)]
        }
        guard (1...maximumCount).contains(elements.count) else {
            throw reader.wrong("Signer", "1 to \(maximumCount) keys")
        }
        guard reader.object["Counter"] == nil else {
            throw reader.wrong(
                "Counter", "none beside a list of signers: it belongs into the entry of the key that it counts for")
        }
        var signers: [KnownSigner] = []
        for (place, element) in elements.enumerated() {
            let prefix = "Signer, entry \(place + 1)"
            guard element.kind == .object else {
                throw .content(file: reader.file, field: prefix, expected: "an object with Key and Counter")
            }
            let entry = FieldReader(file: reader.file, prefix: "\(prefix), ", object: element)
            let signer = try KnownSigner(entry, "Key", counter: try entry.integer("Counter") ?? 0)
            if let earlier = signers.firstIndex(where: { $0.key.pkix == signer.key.pkix }) {
                throw entry.wrong("Key", "another key than entry \(earlier + 1) has: one key has one counter")
            }
            signers.append(signer)
        }
        return signers
    }
}

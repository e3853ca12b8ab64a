import EntropyCrypto

/// One sink in a source's list.
public struct Target: Sendable {
    /// Address and public key together say which entry this is. All tables about targets share these bytes: of tens of
    /// thousands of entries they are what takes the memory.
    public struct Identity: Hashable, Sendable {
        private let bytes: [UInt8]

        public init(_ address: String, _ publicKey: BoxPublicKey) { bytes = publicKey.bytes + address.utf8 }

        public var address: String { String(decoding: bytes[BoxPublicKey.size...], as: UTF8.self) }

        public var publicKey: BoxPublicKey {
            guard let key = try? BoxPublicKey(Array(bytes.prefix(BoxPublicKey.size))) else {
                preconditionFailure("an identity begins with the 32 bytes of a key")
            }
            return key
        }
    }

    /// As it stands in the file, without `tcp://`.
    public let address: String
    public let endpoint: Endpoint
    public let identity: Identity
    /// The counter of the last packet that was made for it.
    public let counter: Int64
    /// Unix time before which no packet is sent.
    public let next: Int64
    /// Whether the sink answers with receipts, as the entry's `Receipts` says; nil where it says nothing.
    public let receipts: Bool?

    public var publicKey: BoxPublicKey { identity.publicKey }

    public init(
        address: String, endpoint: Endpoint, publicKey: BoxPublicKey, counter: Int64, next: Int64, receipts: Bool? = nil
    ) {
        let address = Endpoint.plain(address)
        self.address = address
        self.receipts = receipts
        self.endpoint = endpoint
        self.counter = counter
        self.next = next
        identity = Identity(address, publicKey)
    }

    init(_ reader: FieldReader) throws(StateError) {
        let text: String
        (text, endpoint) = try reader.endpoint("Address", .connecting)
        address = Endpoint.plain(text)
        let bytes = try reader.requiredBytes("Public")
        do throws(CryptoError) {
            identity = Identity(address, try BoxPublicKey(bytes))
        } catch {
            throw reader.wrong("Public", "32 bytes in base64, a Curve25519 public key (\(error.message))")
        }
        counter = try reader.integer("Counter") ?? 0
        next = try reader.integer("Next") ?? 0
        receipts = try reader.boolean("Receipts")
    }

    static let members: [StaticString] = ["Address", "Public", "Counter", "Next", "Receipts"]

    func write(to object: JSONValue) {
        object.set("Address", address)
        object.set("Public", Base64.encode(publicKey.bytes))
        object.set("Counter", counter)
        if next != 0 { object.set("Next", next) }
    }

    /// The entry as JSON text.
    public func encode() -> [UInt8] {
        let document = JSONDocument(empty: .object)
        write(to: document.value)
        return document.encode()
    }
}

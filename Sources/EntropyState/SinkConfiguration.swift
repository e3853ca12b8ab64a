import EntropyCrypto
import Platform

/// What a sink is told: where to listen, its private key, and whose packets to take.
public struct SinkConfiguration: Sendable {
    /// Bytes of a configuration at the most.
    static let maximumSize = 1 << 20

    public let address: String
    public let endpoint: Endpoint
    /// The greatest difference of the clocks in seconds.
    public let drift: Int64
    public let privateKey: BoxPrivateKey
    /// Whose packets are taken: one signer, or several, each with a counter of its own.
    public let signers: [KnownSigner]
    /// Refuse packets that name no recipient: for a sink that is fed by this program's source only.
    public let requiresRecipient: Bool
    /// Where the counters are kept: the configuration itself, or the file that `State` names.
    public let counterFile: CounterFile

    /// Reads and judges the whole configuration. `warn` gets a line when others may read the private key.
    public init(reading path: String, warn: (String) -> Void) throws(StateError) {
        var bytes = try StateFile.contents(
            of: path, limit: SinkConfiguration.maximumSize, secret: true, warn: warn)
        defer { wipe(&bytes) }
        let document = try SinkConfiguration.parse(bytes, path)
        let reader = FieldReader(file: path, object: document.value)
        (address, endpoint) = try reader.endpoint("Address", .listening)
        let drift = try reader.integer("Drift") ?? 0
        guard drift >= 0 else { throw reader.wrong("Drift", "seconds, not below 0") }
        self.drift = drift
        var privateBytes = try reader.requiredBytes("Private")
        do throws(CryptoError) {
            privateKey = try BoxPrivateKey(moving: &privateBytes)
        } catch {
            throw reader.wrong("Private", "32 bytes in base64, a Curve25519 private key (\(error.message))")
        }
        let signers = try KnownSigner.list(reader)
        requiresRecipient = try reader.boolean("RequireRecipient") ?? false
        let isShared = signers.count > 1
        if let state = try reader.string("State") {
            guard !state.isEmpty, !state.utf8.contains(0) else { throw reader.wrong("State", "a file's path") }
            let resolved = Path.resolve(state, from: Path.directory(of: path))
            let file = CounterFile(path: resolved, isConfiguration: false, isShared: isShared)
            var raised: [KnownSigner] = []
            for signer in signers { raised.append(signer.raised(to: try file.load(signer))) }
            self.signers = raised
            counterFile = file
        } else {
            self.signers = signers
            counterFile = CounterFile(path: path, isConfiguration: true, isShared: isShared)
        }
    }

    /// A new configuration as JSON text. It holds the private key: wipe it once it is written.
    public static func encode(
        address: String, drift: Int64, privateKey: BoxPrivateKey, signer: PublicKey
    ) -> [UInt8] {
        let document = JSONDocument(empty: .object)
        var secret = privateKey.copyBytes()
        defer { wipe(&secret) }
        let object = document.value
        object.set("Address", address)
        object.set("Signer", Base64.encode(signer.pkix))
        object.set("Counter", 0)
        object.set("Private", Base64.encode(secret))
        object.set("Drift", drift)
        return document.encode()
    }

    static func parse(_ bytes: [UInt8], _ path: String) throws(StateError) -> JSONDocument {
        let document = try JSONDocument(parsing: bytes, file: path)
        guard document.value.kind == .object else { throw .content(file: path, field: "", expected: "an object") }
        return document
    }
}

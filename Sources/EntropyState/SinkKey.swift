import EntropyCrypto
import Platform

/// Where a sink's private key is looked for, when its configuration has none.
public struct SinkKey: Sendable {
    /// What systemd hands over under this name (`LoadCredential=`) is taken when no file is named.
    public static let credential: StaticString = "entropy-sink.key"

    private let path: String?

    /// In the file at `path`, where one is named.
    public init(_ path: String?) { self.path = path ?? ServiceManager.credential(SinkKey.credential) }

    /// The key of the sink with this configuration. `warn` gets a line when others may read the file. One that stands in two
    /// places has to be the same there: nobody knows which of two was meant.
    public func key(of configuration: SinkConfiguration, _ file: String, warn: (String) -> Void) throws(StateError)
        -> BoxPrivateKey
    {
        guard let path else {
            if let key = configuration.ownKey { return key }
            throw .content(
                file: file, field: "Private",
                expected: "the private key, or one in a file: by --key, or as systemd's credential "
                    + SinkKey.credential.description)
        }
        let key = try BoxPrivateKey.read(path, warn: warn)
        if let own = configuration.ownKey, own.publicKey != key.publicKey {
            throw .content(file: file, field: "Private", expected: "no other key than the one in \(path), or none")
        }
        return key
    }
}

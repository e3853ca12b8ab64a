/// What a signing key signs with. It is read from the key: nothing else in the pipeline chooses.
public enum KeyAlgorithm: Sendable, Equatable {
    /// RSASSA-PSS with MGF1 and SHA-256, any salt length (RFC 8017, 8.1).
    case rsa(bits: Int32)
    /// ECDSA on P-256 with SHA-256, the signature a DER ECDSA-Sig-Value.
    case ecdsaP256

    /// The sizes of RSA keys that are accepted.
    public static let rsaSizes: ClosedRange<Int32> = 2048...4096

    /// For messages: the kind and size.
    public var shortName: String {
        switch self {
        case .rsa(let bits): "RSA-\(bits)"
        case .ecdsaP256: "P-256"
        }
    }

    /// For messages: the kind, size, scheme and hash.
    public var name: String {
        switch self {
        case .rsa: "\(shortName) (RSASSA-PSS, SHA-256)"
        case .ecdsaP256: "\(shortName) (ECDSA, SHA-256)"
        }
    }
}

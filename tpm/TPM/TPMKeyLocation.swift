/// Where a TPM's key is kept.
public enum TPMKeyLocation: Sendable {
    /// In a file, wrapped by the TPM, and loaded when it is needed.
    case file(TPMKeyFile)
    /// In the TPM itself, under a persistent handle.
    case handle(UInt32)

    /// Whether the key can be used without a password, as far as it is said: nil where nobody says.
    var emptyAuth: Bool? {
        switch self {
        case .file(let file): file.emptyAuth
        case .handle: nil
        }
    }

    /// True when a key file says that the key has no password.
    public var isSaidToBeOpen: Bool { emptyAuth == true }

    /// True when a key file says that the key has a password.
    public var isSaidToHaveAPassword: Bool { emptyAuth == false }

    public var isPersistent: Bool {
        if case .handle = self { true } else { false }
    }

    /// The key's parent, where that is kept in the TPM as far as is known.
    var persistentParent: UInt32? {
        switch self {
        case .file(let file): file.persistentParent
        case .handle: nil
        }
    }

    /// A key file's parent: a hierarchy, or a persistent handle. Nil for a handle, which has none that is known.
    public var parent: UInt32? {
        switch self {
        case .file(let file): file.parent
        case .handle: nil
        }
    }
}

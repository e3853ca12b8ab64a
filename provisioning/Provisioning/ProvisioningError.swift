import EntropyCrypto
import EntropyState
import Platform
import TPM

/// Why a signing key cannot be made, read or used.
public enum ProvisioningError: Diagnostic {
    /// A file cannot be read or written.
    case file(StateError)
    /// A key file that is none, or holds another kind of key.
    case key(file: String, CryptoError)
    /// A TPM key file that cannot be used, or the TPM itself.
    case tpm(file: String, TPMError)
    /// A new key could not be made in software.
    case generation(CryptoError)
    /// A new key that does not sign: nothing was written.
    case selfCheck(SignerError)

    public var exitCode: ExitCode {
        switch self {
        case .file(let error): error.exitCode
        case .key(_, let error): error.exitCode
        case .tpm(_, let error): error.exitCode
        case .generation(let error): error.code == .unsupportedKey ? .usage : error.exitCode
        case .selfCheck(let error): error.exitCode
        }
    }

    public var message: String {
        switch self {
        case .file(let error): error.message
        case .key(let file, let error): "\(file): \(error.message)"
        case .tpm(let file, let error): file.isEmpty ? error.message : "\(file): \(error.message)"
        case .generation(let error): error.message
        case .selfCheck(let error): "the new key was thrown away: \(error.message)"
        }
    }
}

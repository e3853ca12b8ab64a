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
    /// A key that exists gave no signature.
    case signing(file: String, SignerError)
    /// A key that is to be kept in the TPM, and is.
    case persistentAlready(String)
    /// `handle:` with something else than a persistent handle after it.
    case badHandle(String)
    /// A password or record was given for a key that is not in a TPM.
    case softwareKey(String)
    /// A file with a password that cannot be one.
    case badAuthFile(String, String)
    /// What was recorded of a key's TPM is not about this key: the file, and what is wrong with it.
    case record(file: String, String)
    /// A chain from a TPM's maker to a key that does not hold.
    case attestation(AttestationError)
    /// A new key could not be made in software.
    case generation(CryptoError)
    /// A new key that does not sign: nothing was written.
    case selfCheck(SignerError)

    public var exitCode: ExitCode {
        switch self {
        case .file(let error): error.exitCode
        case .key(_, let error): error.exitCode
        case .tpm(_, let error): error.exitCode
        case .attestation(let error): error.exitCode
        case .signing(_, let error): error.exitCode
        case .badHandle, .softwareKey, .persistentAlready: .usage
        case .badAuthFile, .record: .badInput
        case .generation(let error): error.code == .unsupportedKey ? .usage : error.exitCode
        case .selfCheck(let error): error.exitCode
        }
    }

    public var message: String {
        switch self {
        case .file(let error): error.message
        case .key(let file, let error): "\(file): \(error.message)"
        case .tpm(let file, let error): file.isEmpty ? error.message : "\(file): \(error.message)"
        case .attestation(let error): error.message
        case .signing(let file, let error): "\(file): \(error.message)"
        case .persistentAlready(let text): "\(text) is persistent already; a key file is expected"
        case .badHandle(let text): "\(text): expected a persistent handle such as handle:0x81000010"
        case .softwareKey(let file): "\(file): this is a software key: it has neither a TPM's record nor a password"
        case .badAuthFile(let file, let reason), .record(let file, let reason): "\(file): \(reason)"
        case .generation(let error): error.message
        case .selfCheck(let error): "the new key was thrown away: \(error.message)"
        }
    }
}

import Platform

/// Why a key, a box or a digest could not be made or used.
public struct CryptoError: Diagnostic {
    public enum Code: Sendable, Equatable {
        /// Not a key in any form that is accepted here.
        case notAKey
        /// A key that is encrypted with a passphrase.
        case encryptedKey
        /// A TPM key file where a software key was expected.
        case tpmKey
        /// A key of another kind, size or curve than those accepted.
        case unsupportedKey
        /// A key or nonce that has not the length it must have.
        case wrongLength
        /// The box was not made for this key, or was changed.
        case boxInvalid
        /// Not an X.509 certificate, or no file with some.
        case notACertificate
        /// Nobody who is trusted vouches for the certificate.
        case untrusted
        /// OpenSSL refused what it should do: memory, or a provider that lacks an algorithm.
        case openSSL
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var exitCode: ExitCode { code == .openSSL ? .failed : .badInput }
}

import Platform

/// Which link of the chain from a TPM's maker to a signing key does not hold.
public struct AttestationError: Diagnostic {
    public enum Code: Sendable, Equatable, CaseIterable {
        /// Nobody who is trusted vouches for the endorsement certificate.
        case untrustedCertificate
        /// The certificate is not one of a TPM's RSA 2048 endorsement key.
        case notAnEndorsementCertificate
        /// The proof shows another certificate than the one that the challenge was made for.
        case otherTPM
        /// The attestation key is not restricted, was not made in its TPM, or may leave it.
        case unfitAttestationKey
        /// The proof shows another attestation key than the one that the challenge was made for.
        case otherAttestationKey
        /// The statement was not signed by the attestation key.
        case badSignature
        /// What was signed is no statement of a TPM about a key.
        case notAStatement
        /// The statement has another nonce: it was made for another challenge, or by who could not open this one.
        case otherNonce
        /// The statement is about a key with another Name: attributes or key were exchanged.
        case otherName
        /// The key was not made in the TPM, may leave it, or is not fit to sign packets.
        case unfitKey
        /// The proof is good, but about another key than the expected one.
        case otherKey
    }

    public let code: Code
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// A proof that does not hold is a "no", not a bad file.
    public var exitCode: ExitCode { .failed }
}

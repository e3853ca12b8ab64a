import EntropyCrypto
import Platform
import TPM

/// The first links of the chain: from a TPM's maker to its attestation key.
struct IdentityLinks {
    let endorsementKey: PublicKey
    /// SHA-256 of the certificate.
    let certificateDigest: [UInt8]
    let attestationKey: TPMPublicArea

    /// tcg-kp-EKCertificate (TCG EK Credential Profile, 3.2).
    private static let endorsementPurpose: StaticString = "2.23.133.8.1"

    init(
        _ identity: TPMIdentity, _ authorities: CertificateAuthorities, _ report: (String) -> Void
    ) throws(AttestationError) {
        let certificate = try link(.notAnEndorsementCertificate, "endorsement certificate") {
            () throws(CryptoError) in try Certificate(startOf: identity.certificate)
        }
        try link(.untrustedCertificate, "endorsement certificate, issued by \(certificate.issuer)") {
            () throws(CryptoError) in try certificate.requireTrust(in: authorities)
        }
        endorsementKey = try link(.notAnEndorsementCertificate, "endorsement certificate") {
            () throws(CryptoError) in try certificate.publicKey()
        }
        guard endorsementKey.algorithm == .rsa(bits: 2048) else {
            throw AttestationError(
                .notAnEndorsementCertificate, "endorsement certificate: its key is not one of RSA 2048")
        }
        guard certificate.isForKeyEncipherment, certificate.isFor(IdentityLinks.endorsementPurpose) else {
            throw AttestationError(
                .notAnEndorsementCertificate,
                "endorsement certificate: it is for another purpose than a TPM's endorsement key")
        }
        certificateDigest = certificate.fingerprint
        report(
            "endorsement certificate: issued by \(certificate.issuer), who is trusted; SHA-256 "
                + hexadecimal(certificateDigest))
        attestationKey = try link(.unfitAttestationKey, "attestation key") {
            () throws(TPMError) in
            try UnjudgedPublicArea(unmarshalling: identity.attestationKey).attestationKey()
        }
        report("attestation key: restricted, cannot leave its TPM")
    }
}

/// Runs one step; its failure is the failure of this link.
func link<R, E: Diagnostic>(
    _ code: AttestationError.Code, _ what: String, _ body: () throws(E) -> R
) throws(AttestationError) -> R {
    do throws(E) { return try body() } catch { throw AttestationError(code, "\(what): \(error.message)") }
}

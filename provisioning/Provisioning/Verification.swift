import EntropyCrypto
import TPM

extension Proof {
    /// Follows the chain from those who are trusted to certify TPMs to the signing key, which must be `expected`. Needs no
    /// TPM. Fails with the first link that does not hold; `report` gets a line for each one that does.
    public func verify(
        _ secret: ChallengeSecret, authorities: CertificateAuthorities, expected: PublicKey,
        report: (String) -> Void
    ) throws(AttestationError) {
        let links = try IdentityLinks(identity, authorities, report)
        try verifyIdentity(links, secret)
        report("challenge: made for this TPM and its attestation key")
        let contents = try verifyStatement(links, secret)
        report("statement: signed by the attestation key, with the challenge's nonce: by the challenged TPM")
        let key = try verifyKey(contents)
        report(
            "key: \(contents.isAboutCreation ? "made in that TPM" : "held by that TPM, made in it"), cannot leave it")
        guard key.publicKey.pkix == expected.pkix else {
            throw AttestationError(
                .otherKey,
                "key: the proof is about the key with the fingerprint \(key.publicKey.fingerprint), "
                    + "not about \(expected.fingerprint)")
        }
        report("public key: \(expected.algorithm.name), fingerprint \(expected.fingerprint)")
    }

    private func verifyIdentity(_ links: IdentityLinks, _ secret: ChallengeSecret) throws(AttestationError) {
        guard links.certificateDigest == secret.certificateDigest else {
            throw AttestationError(
                .otherTPM, "endorsement certificate: not the one of the TPM that the challenge was made for")
        }
        guard links.attestationKey.name == secret.attestationKeyName else {
            throw AttestationError(
                .otherAttestationKey, "attestation key: not the one that the challenge was made for")
        }
    }

    /// The attestation key signs only what its TPM made, and only the challenged TPM knows the nonce.
    private func verifyStatement(
        _ links: IdentityLinks, _ secret: ChallengeSecret
    ) throws(AttestationError) -> Attestation.Contents {
        guard links.attestationKey.publicKey.verify(attestation.signature, of: attestation.statement) else {
            throw AttestationError(.badSignature, "statement: its signature is not the attestation key's")
        }
        guard let contents = attestation.contents() else {
            throw AttestationError(.notAStatement, "statement: not a TPM's statement about a key")
        }
        guard contents.nonce == secret.nonce else {
            throw AttestationError(
                .otherNonce, "statement: its nonce is another one: it answers an older challenge, or none at all")
        }
        return contents
    }

    /// A Name is a digest of the whole public area: what the area says of the key is what the TPM holds.
    private func verifyKey(_ contents: Attestation.Contents) throws(AttestationError) -> TPMPublicArea {
        let area = try link(.otherName, "key") {
            () throws(TPMError) in try UnjudgedPublicArea(unmarshalling: key)
        }
        let name = try link(.otherName, "key") { () throws(TPMError) in try area.name() }
        guard name == contents.keyName else {
            throw AttestationError(
                .otherName,
                "key: the statement is about a key with another Name: its attributes or numbers were changed")
        }
        return try link(.unfitKey, "key") { () throws(TPMError) in try area.signingKey() }
    }
}

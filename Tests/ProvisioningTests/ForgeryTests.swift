import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import Provisioning
@testable import TPM

/// Forged proofs: one for each link of the chain, each refused with its own code.
@Suite(.enabled(if: haveTools("swtpm", "swtpm_setup", "openssl"), "swtpm, swtpm_setup or openssl is not installed"))
final class ForgeryTests: AttestationBench {
    @Test func theProofOfAnotherKeyIsRefused() throws {
        let (key, _) = try makeKey()
        let challenge = try challenge()
        let proof = try key.prove(challenge.credential, from: "challenge", in: TPMDevice(tpm.tcti))
        let (_, other) = try makeKey()
        #expect(refusal(proof, challenge.secret, other) == .otherKey)
        let software = try SoftwareSigner(generating: .ecdsaP256).publicKey
        #expect(refusal(proof, challenge.secret, software) == .otherKey)
    }

    /// A key that was made outside and imported: the TPM certifies it, truthfully.
    @Test func aSoftwareKeyInTheTPMIsRefused() throws {
        try tpm.createPrimary("p.ctx", in: directory)
        #expect(
            try run(
                [
                    "openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                    "s.pem",
                ],
                in: directory.path
            ).status == 0)
        try tpm.tools(
            [
                "tpm2_import", "-C", "p.ctx", "-G", "ecc", "-i", "s.pem", "-u", "u", "-r", "r", "-a",
                "userwithauth|sign|noda", "-Q",
            ], in: directory)
        let challenge = try challenge()
        let device = TPMDevice(tpm.tcti)
        let nonce = try device.activate(challenge.credential)
        let imported = try directory.read("u")
        let (publicPart, privatePart) = (
            try publicArea(unmarshalling: imported), try privateArea(unmarshalling: directory.read("r"))
        )
        // Our own API loads no such key: straight to the TPM.
        let attestation = try device.perform { (context, _) throws(TPMError) in
            let primary = try context.createPrimary()
            let key = try context.load(privatePart, publicPart, under: primary)
            context.flush(primary)
            let attestationKey = try context.createAttestationKey()
            defer {
                context.flush(attestationKey)
                context.flush(key)
            }
            return try context.certify(key, nil, by: attestationKey, nonce: nonce)
        }
        let proof = Proof(identity: identity, key: imported, attestation: attestation)
        let software = try SoftwareSigner(directory.read("s.pem")).publicKey
        #expect(refusal(proof, challenge.secret, software) == .unfitKey)
        // With the attributes that it should have, it has another Name.
        var area = try publicArea(unmarshalling: imported)
        area.publicArea.objectAttributes = KeyTemplate.signingAttributes
        let dressed = Proof(identity: identity, key: try marshalled(area), attestation: attestation)
        #expect(refusal(dressed, challenge.secret, software) == .otherName)
    }

    @Test func everyForgeryHasItsCode() throws {
        let (key, publicKey) = try makeKey()
        let old = try challenge()
        let challenge = try challenge()
        let device = TPMDevice(tpm.tcti)
        let proof = try key.prove(challenge.credential, from: "challenge", in: device)
        let oldProof = try key.prove(old.credential, from: "challenge", in: device)
        device.close()
        let secret = challenge.secret
        func forged(
            certificate: [UInt8]? = nil, attestationKey: [UInt8]? = nil, key: [UInt8]? = nil, statement: [UInt8]? = nil,
            signature: [UInt8]? = nil, _ other: ChallengeSecret? = nil
        ) -> AttestationError.Code? {
            let forgery = Proof(
                identity: TPMIdentity(
                    certificate: certificate ?? proof.identity.certificate,
                    attestationKey: attestationKey ?? proof.identity.attestationKey),
                key: key ?? proof.key,
                attestation: Attestation(
                    statement: statement ?? proof.attestation.statement,
                    signature: signature ?? proof.attestation.signature))
            return refusal(forgery, other ?? challenge.secret, publicKey)
        }
        #expect(forged() == nil)
        // An old nonce: the proof that answered an earlier challenge.
        #expect(refusal(oldProof, secret, publicKey) == .otherNonce)
        #expect(refusal(proof, old.secret, publicKey) == .otherNonce)
        // A changed attribute.
        var area = try publicArea(unmarshalling: proof.key)
        area.publicArea.objectAttributes &= ~ObjectAttributes.noDA
        #expect(forged(key: try marshalled(area)) == .otherName)
        #expect(forged(key: []) == .otherName)
        #expect(forged(key: proof.key + [0]) == .otherName)
        // Another statement, another signature.
        var statement = proof.attestation.statement
        statement[statement.count - 1] ^= 1
        #expect(forged(statement: statement) == .badSignature)
        #expect(forged(signature: oldProof.attestation.signature) == .badSignature)
        #expect(forged(signature: []) == .badSignature)
        #expect(
            forged(statement: oldProof.attestation.statement, signature: oldProof.attestation.signature) == .otherNonce)
        // A software key in the place of the attestation key, with the attributes of one.
        let software = try SoftwareSigner(generating: .ecdsaP256)
        var fake = try publicArea(unmarshalling: proof.identity.attestationKey)
        let point = Array(software.publicKey.pkix.suffix(64))
        withUnsafeMutableBytes(of: &fake.publicArea.unique.ecc.x.buffer) { $0.copyBytes(from: point.prefix(32)) }
        withUnsafeMutableBytes(of: &fake.publicArea.unique.ecc.y.buffer) { $0.copyBytes(from: point.suffix(32)) }
        fake.publicArea.unique.ecc.x.size = 32
        fake.publicArea.unique.ecc.y.size = 32
        let fakeKey = try marshalled(fake)
        let fakeSignature = try software.sign(proof.attestation.statement)
        #expect(forged(attestationKey: fakeKey, signature: fakeSignature) == .otherAttestationKey)
        // Challenged, it gets what it cannot open: whatever it signs, it does not know the nonce.
        let fooled = try self.challenge(TPMIdentity(certificate: identity.certificate, attestationKey: fakeKey))
        #expect(throws: TPMError.self) { try device.activate(fooled.credential) }
        device.close()
        #expect(forged(attestationKey: fakeKey, signature: fakeSignature, fooled.secret) == .otherNonce)
        // An attestation key that is not restricted, such as the signing key itself.
        #expect(forged(attestationKey: proof.key) == .unfitAttestationKey)
        #expect(forged(attestationKey: []) == .unfitAttestationKey)
        // Another certificate, or none.
        #expect(forged(certificate: []) == .notAnEndorsementCertificate)
        #expect(forged(certificate: Array(identity.certificate.prefix(500))) == .notAnEndorsementCertificate)
        var damaged = identity.certificate
        damaged[damaged.count - 1] ^= 1
        #expect(forged(certificate: damaged) == .untrustedCertificate)
        // The issuer's own certificate is trusted, and no TPM's.
        let issuer = try #require(
            try PEM.decode(Array(try tpm.authorities().split(at: "-----END CERTIFICATE-----")[1]))
        ).der
        #expect(forged(certificate: issuer) == .notAnEndorsementCertificate)
        // Another TPM, of another maker.
        let stranger = try SoftwareTPM(certified: ())
        let theirs = try TPMDevice(stranger.tcti).identity()
        #expect(forged(certificate: theirs.certificate) == .untrustedCertificate)
        let both = try CertificateAuthorities(tpm.authorities() + stranger.authorities())
        let swapped = Proof(
            identity: TPMIdentity(certificate: theirs.certificate, attestationKey: identity.attestationKey),
            key: proof.key,
            attestation: proof.attestation)
        #expect(refusal(swapped, secret, publicKey, both) == .otherTPM)
        #expect(
            refusal(proof, secret, publicKey, try CertificateAuthorities(stranger.authorities()))
                == .untrustedCertificate)
    }

    @Test func aQuoteIsNoStatementAboutAKey() throws {
        let (key, publicKey) = try makeKey()
        let challenge = try challenge()
        let device = TPMDevice(tpm.tcti)
        let nonce = try device.activate(challenge.credential)
        let proof = try key.prove(challenge.credential, from: "challenge", in: device)
        device.close()
        try tpm.tools(
            [
                "tpm2_createprimary", "-C", "e", "-c", "ak.ctx", "-G", "ecc256:ecdsa-sha256:null", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign", "-Q",
            ], in: directory)
        try tpm.tools(
            [
                "tpm2_quote", "-c", "ak.ctx", "-l", "sha256:0", "-q", hexadecimal(nonce), "-m", "quote", "-s", "s",
                "-f",
                "plain", "-Q",
            ], in: directory)
        let quote = Proof(
            identity: proof.identity, key: proof.key,
            attestation: Attestation(statement: try directory.read("quote"), signature: try directory.read("s")))
        #expect(refusal(quote, challenge.secret, publicKey) == .notAStatement)
    }

    /// What else a maker's authority may have signed is no endorsement certificate, and neither is anything that could sign.
    @Test func otherCertificatesOfTheAuthorityAreRefused() throws {
        let (key, publicKey) = try makeKey()
        let challenge = try challenge()
        let proof = try key.prove(challenge.credential, from: "challenge", in: TPMDevice(tpm.tcti))
        func openssl(_ arguments: String...) throws {
            let finished = try run(["openssl"] + arguments, in: directory.path)
            #expect(finished.status == 0, "\(finished.errors)")
        }
        try openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=maker"
        )
        try openssl(
            "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj",
            "/CN=leaf")
        let authority = try CertificateAuthorities(directory.read("ca.pem"))
        let purpose = "extendedKeyUsage=2.23.133.8.1\n"
        for (extensions, code) in [
            // The one that is right: then it is another TPM's.
            (
                "keyUsage=critical,keyEncipherment\nbasicConstraints=critical,CA:FALSE\n" + purpose,
                AttestationError.Code.otherTPM
            ),
            ("keyUsage=critical,keyEncipherment\n", .notAnEndorsementCertificate),
            ("keyUsage=critical,keyEncipherment\nextendedKeyUsage=serverAuth\n", .notAnEndorsementCertificate),
            ("keyUsage=critical,keyEncipherment\nextendedKeyUsage=2.23.133.8.2\n", .notAnEndorsementCertificate),
            ("keyUsage=critical,digitalSignature\n" + purpose, .notAnEndorsementCertificate),
            ("keyUsage=critical,keyEncipherment,digitalSignature\n" + purpose, .notAnEndorsementCertificate),
            (
                "basicConstraints=CA:TRUE\nkeyUsage=keyCertSign,keyEncipherment\n" + purpose,
                .notAnEndorsementCertificate
            ),
            ("basicConstraints=critical,CA:TRUE\n" + purpose, .notAnEndorsementCertificate),
            (purpose, .notAnEndorsementCertificate), ("subjectKeyIdentifier=hash\n", .notAnEndorsementCertificate),
        ] {
            try directory.write("ext", extensions)
            try openssl(
                "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "ext", "-outform",
                "DER",
                "-out", "leaf.der")
            let identity = TPMIdentity(
                certificate: try directory.read("leaf.der"), attestationKey: proof.identity.attestationKey)
            let forgery = Proof(identity: identity, key: proof.key, attestation: proof.attestation)
            #expect(refusal(forgery, challenge.secret, publicKey, authority) == code, "\(extensions)")
        }
        // One that is over.
        try directory.write("ext", "keyUsage=critical,keyEncipherment\n" + purpose)
        try openssl(
            "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-extfile", "ext", "-days", "-1",
            "-outform", "DER", "-out", "leaf.der")
        let over = TPMIdentity(
            certificate: try directory.read("leaf.der"), attestationKey: proof.identity.attestationKey)
        let forgery = Proof(identity: over, key: proof.key, attestation: proof.attestation)
        #expect(refusal(forgery, challenge.secret, publicKey, authority) == .untrustedCertificate)
    }
}

import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import Provisioning
@testable import TPM

/// The chain from a TPM's maker to a signing key: one that holds.
@Suite(.enabled(if: haveTools("swtpm", "swtpm_setup", "openssl"), "swtpm, swtpm_setup or openssl is not installed"))
final class AttestationTests: AttestationBench {
    @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .ecdsaP256], [true, false])
    func aKeyOfThisTPMIsProved(_ algorithm: KeyAlgorithm, _ record: Bool) throws {
        let (key, publicKey) = try makeKey(algorithm, record: record)
        let challenge = try challenge()
        let proof = try key.prove(challenge.credential, from: "challenge", in: TPMDevice(tpm.tcti))
        var links: [String] = []
        try proof.verify(challenge.secret, authorities: authorities, expected: publicKey) { links.append($0) }
        #expect(links.count == 6)
        // With its ticket the TPM says that it made the key, without that it holds it.
        #expect(links[4].contains(record ? "made in that TPM" : "held by that TPM"))
        #expect(try tpm.leftovers() == "")
        // openssl on the signature, tpm2-tools on the statement.
        let area = try UnjudgedPublicArea(unmarshalling: proof.identity.attestationKey).attestationKey()
        try directory.write("ak.pem", try area.publicKey.file(pem: true))
        try directory.write("statement", proof.attestation.statement)
        try directory.write("signature", proof.attestation.signature)
        let verified = try run(
            ["openssl", "dgst", "-sha256", "-verify", "ak.pem", "-signature", "signature", "statement"],
            in: directory.path)
        #expect(verified.text == "Verified OK\n")
        let printed = try run(["tpm2_print", "-t", "TPMS_ATTEST", "statement"], in: directory.path).text
        #expect(printed.contains("magic: ff544347"), "\(printed)")
        #expect(printed.contains("extraData: \(hexadecimal(challenge.secret.nonce))"), "\(printed)")
    }

    @Test func aProofSurvivesItsFile() throws {
        let (key, publicKey) = try makeKey()
        let challenge = try challenge()
        try directory.write("identity", identity.encode())
        try directory.write("challenge", challenge.credential.encode())
        try directory.write("nonce", challenge.secret.encode())
        #expect(try TPMIdentity(reading: directory.file("identity")).certificate == identity.certificate)
        let read = try Credential(reading: directory.file("challenge"))
        try directory.write("proof", try key.prove(read, from: "challenge", in: TPMDevice(tpm.tcti)).encode())
        let proof = try Proof(reading: directory.file("proof"))
        let secret = try ChallengeSecret(reading: directory.file("nonce"), warn: { _ in })
        #expect(refusal(proof, secret, publicKey) == nil)
        for name in ["identity", "challenge", "nonce", "proof"] {
            let text = try directory.text(name)
            for bad in ["", "[]", "{}", String(text.dropLast(9)), text.replacingOccurrences(of: "==", with: "")]
            where bad != text {
                try directory.write("bad", bad)
                let path = directory.file("bad")
                let error = #expect(throws: StateError.self, "\(name)") {
                    switch name {
                    case "identity": _ = try TPMIdentity(reading: path)
                    case "challenge": _ = try Credential(reading: path)
                    case "nonce": _ = try ChallengeSecret(reading: path, warn: { _ in })
                    default: _ = try Proof(reading: path)
                    }
                }
                #expect(error?.exitCode == .badInput)
            }
        }
    }

    @Test func authoritiesAreCertificates() throws {
        #expect(throws: CryptoError.self) { try CertificateAuthorities([]) }
        #expect(throws: CryptoError.self) { try CertificateAuthorities(Array("nothing".utf8)) }
        // The issuer alone is enough, the root alone is not: the certificate between is missing.
        let (key, publicKey) = try makeKey()
        let challenge = try challenge()
        let proof = try key.prove(challenge.credential, from: "challenge", in: TPMDevice(tpm.tcti))
        let parts = try tpm.authorities().split(at: "-----END CERTIFICATE-----")
        let (root, issuer) = (try CertificateAuthorities(parts[0]), try CertificateAuthorities(parts[1]))
        #expect(refusal(proof, challenge.secret, publicKey, issuer) == nil)
        #expect(refusal(proof, challenge.secret, publicKey, root) == .untrustedCertificate)
        // One board alone is trusted by its own certificate.
        let own = try CertificateAuthorities(PEM(label: "CERTIFICATE", der: identity.certificate).encode())
        #expect(refusal(proof, challenge.secret, publicKey, own) == nil)
        // A damaged one is named, wherever it stands.
        let damaged = Array(parts[1].prefix(900)) + Array("\n-----END CERTIFICATE-----\n".utf8)
        for (bytes, place) in [(damaged, 1), (parts[0] + damaged, 2), (parts[0] + damaged + parts[1], 2)] {
            let error = #expect(throws: CryptoError.self) { try CertificateAuthorities(bytes) }
            #expect(error?.code == .notACertificate)
            #expect(error?.message.names("\(place)") == true, "\(error?.message ?? "")")
        }
    }
}

import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import Provisioning
@testable import TPM

/// A TPM with a maker's certificate, and what a verifier and a board do with it.
class AttestationBench {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory
    let identity: TPMIdentity
    let authorities: CertificateAuthorities

    init() throws {
        tpm = try SoftwareTPM(certified: ())
        directory = try TemporaryDirectory()
        identity = try TPMDevice(tpm.tcti).identity()
        authorities = try CertificateAuthorities(tpm.authorities())
    }

    func makeKey(_ algorithm: KeyAlgorithm = .ecdsaP256, record: Bool = true) throws -> (SigningKey, PublicKey) {
        let key = try NewSigningKey.make(algorithm, in: TPMDevice(tpm.tcti), authValue: nil, isDAProtected: false)
        try directory.write("k.key", key.privateFile)
        try? directory.remove("k.tpm.json")
        if record { try directory.write("k.tpm.json", try #require(key.tpm).record.encode()) }
        return (try SigningKey(reading: directory.file("k.key"), warn: { _ in }), key.publicKey)
    }

    func challenge(_ identity: TPMIdentity? = nil) throws -> Challenge {
        try Challenge(for: identity ?? self.identity, authorities: authorities, report: { _ in })
    }

    /// Which link does not hold; nil when all do.
    func refusal(
        _ proof: Proof, _ secret: ChallengeSecret, _ key: PublicKey, _ authorities: CertificateAuthorities? = nil
    ) -> AttestationError.Code? {
        do throws(AttestationError) {
            try proof.verify(
                secret, authorities: authorities ?? self.authorities, expected: key, report: { _ in })
            return nil
        } catch { return error.code }
    }
}

extension [UInt8] {
    /// The parts that end with a line of this text.
    func split(at line: String) -> [[UInt8]] {
        let text = String(decoding: self, as: UTF8.self)
        return text.components(separatedBy: line).dropLast().map { Array("\($0)\(line)\n".utf8) }
    }
}

import EntropyCrypto
import EntropyState
import Platform
import TPM

/// A verifier's challenge to a board: prove that you have this TPM, with this attestation key in it.
public struct Challenge {
    /// Bytes of a nonce.
    static let nonceSize = 32

    /// For the board.
    public let credential: Credential
    /// For the verifier alone.
    public let secret: ChallengeSecret

    /// Judges the identity and makes a challenge that only its TPM can read. `report` gets a line for each link of the
    /// chain that holds.
    public init(
        for identity: TPMIdentity, authorities: CertificateAuthorities, report: (String) -> Void
    ) throws(ProvisioningError) {
        let links: IdentityLinks
        do throws(AttestationError) {
            links = try IdentityLinks(identity, authorities, report)
        } catch {
            throw .attestation(error)
        }
        let nonce: [UInt8]
        var seed: [UInt8]
        do throws(SystemError) {
            nonce = try SystemRandom.bytes(Challenge.nonceSize)
            seed = try SystemRandom.bytes(Challenge.nonceSize)
        } catch {
            throw .file(.file(error))
        }
        defer { wipe(&seed) }
        do throws(CryptoError) {
            credential = try Credential.make(
                nonce, for: links.endorsementKey, keyNamed: links.attestationKey.name, seed: seed)
        } catch {
            throw .generation(error)
        }
        secret = ChallengeSecret(
            nonce: nonce, attestationKeyName: links.attestationKey.name, certificateDigest: links.certificateDigest)
    }
}

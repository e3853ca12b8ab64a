import EntropyCrypto
import TPM

/// A signing key that was just made, and that has signed once.
public struct NewSigningKey {
    /// What only a TPM's key has.
    public struct InTPM {
        public let file: TPMKeyFile
        public let attributes: ObjectAttributes
        /// What is to be checked at every opening.
        public let record: TPMRecord
    }

    /// The contents of BASE.key: a `TSS2 PRIVATE KEY` in PEM, or PKCS#1 in DER or PEM. Wipe the latter.
    public let privateFile: [UInt8]
    public let publicKey: PublicKey
    /// Nil for a software key.
    public let tpm: InTPM?

    private static let firstMessage = Array("entropyshare: the first signature of a new key".utf8)

    /// Makes a key inside the TPM: its private part never leaves it. May take over 30 s. `isDAProtected` has wrong
    /// passwords, and power cuts, count towards the TPM's lockout.
    public static func make(
        _ algorithm: KeyAlgorithm, in device: TPMDevice, authValue: AuthValue?, isDAProtected: Bool
    ) throws(ProvisioningError) -> NewSigningKey {
        let made: TPMDevice.MadeKey
        let signer: TPMSigner
        let area: TPMPublicArea
        do throws(TPMError) {
            made = try device.makeSigningKey(algorithm, authValue: authValue, isDAProtected: isDAProtected)
            device.expect(.file(made.file), primaryName: made.primaryName)
            area = try TPMPublicArea(unmarshalling: made.file.publicPart)
            signer = try TPMSigner(.file(made.file), area, authValue: authValue, in: device)
        } catch {
            throw .tpm(file: "", error)
        }
        let signature = try firstSignature(signer)
        let record = TPMRecord(
            keyName: area.name, primaryName: made.primaryName,
            saltLength: signer.publicKey.saltLength(of: signature, over: firstMessage).map { Int64($0) },
            proof: made.proof)
        do throws(CryptoError) {
            return NewSigningKey(
                privateFile: try made.file.encode(), publicKey: signer.publicKey,
                tpm: InTPM(file: made.file, attributes: area.attributes, record: record))
        } catch {
            throw .generation(error)
        }
    }

    /// Makes a key in this process, for tests and machines without a TPM.
    public static func makeSoftware(_ algorithm: KeyAlgorithm, pem: Bool) throws(ProvisioningError) -> NewSigningKey {
        let signer: SoftwareSigner
        let file: [UInt8]
        do throws(CryptoError) {
            signer = try SoftwareSigner(generating: algorithm)
            file = try signer.file(pem: pem)
        } catch {
            throw .generation(error)
        }
        _ = try firstSignature(signer)
        return NewSigningKey(privateFile: file, publicKey: signer.publicKey, tpm: nil)
    }

    /// Signs once; the signer itself verifies.
    private static func firstSignature(_ signer: some Signer) throws(ProvisioningError) -> [UInt8] {
        do throws(SignerError) { return try signer.sign(firstMessage) } catch { throw .selfCheck(error) }
    }
}

import EntropyCrypto
import TPM

/// A signing key that was just made, and that has signed once.
public struct NewSigningKey {
    /// The contents of BASE.key: a `TSS2 PRIVATE KEY` in PEM, or PKCS#1 in DER or PEM. Wipe the latter.
    public let privateFile: [UInt8]
    public let publicKey: PublicKey
    /// The attributes in words, as the TPM reports them; nil for a software key.
    public let attributes: String?

    /// Makes a key inside the TPM: its private part never leaves it. May take over 30 s.
    public static func make(_ algorithm: KeyAlgorithm, in device: TPMDevice) throws(ProvisioningError) -> NewSigningKey
    {
        let file: TPMKeyFile
        let signer: TPMSigner
        let attributes: String
        do throws(TPMError) {
            file = try device.makeSigningKey(algorithm)
            signer = try TPMSigner(file, in: device)
            attributes = try signer.reportedAttributes()
        } catch {
            throw .tpm(file: "", error)
        }
        try check(signer)
        do throws(CryptoError) {
            return NewSigningKey(privateFile: try file.encode(), publicKey: signer.publicKey, attributes: attributes)
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
        try check(signer)
        return NewSigningKey(privateFile: file, publicKey: signer.publicKey, attributes: nil)
    }

    /// Signs once; the signer itself verifies.
    private static func check(_ signer: some Signer) throws(ProvisioningError) {
        do throws(SignerError) {
            _ = try signer.sign(Array("entropyshare: the first signature of a new key".utf8))
        } catch {
            throw .selfCheck(error)
        }
    }
}

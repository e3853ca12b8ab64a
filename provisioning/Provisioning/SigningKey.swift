import EntropyCrypto
import EntropyState
import Platform
import TPM

/// A signing key's file. What it holds decides who signs: `TSS2 PRIVATE KEY` means the TPM, PKCS#1 or PKCS#8 means this
/// process.
public struct SigningKey {
    enum Kind {
        case tpm(TPMKeyFile)
        case software(SoftwareSigner)
    }

    let kind: Kind
    let path: String
    public let publicKey: PublicKey

    /// Reads and judges the file; needs no TPM. `warn` gets a line when others may read a software key.
    public init(reading path: String, warn: (String) -> Void) throws(ProvisioningError) {
        self.path = path
        var exposed: String?
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: PublicKey.maximumFileSize, secret: true) { exposed = $0 }
        } catch {
            throw .file(.file(error))
        }
        defer { wipe(&bytes) }
        if TPMKeyFile.matches(bytes) {
            do throws(TPMError) {
                let file = try TPMKeyFile(decoding: bytes)
                publicKey = try TPMPublicArea(unmarshalling: file.publicPart).publicKey
                kind = .tpm(file)
            } catch {
                throw .tpm(file: path, error)
            }
            return
        }
        do throws(CryptoError) {
            let signer = try SoftwareSigner(bytes)
            publicKey = signer.publicKey
            kind = .software(signer)
        } catch {
            throw .key(file: path, error)
        }
        // A TPM's key file is of no use to whoever copies it: only a software key is a secret.
        if let exposed { warn(exposed) }
    }

    public var isInTPM: Bool {
        if case .tpm = kind { true } else { false }
    }

    /// The signer: loads a TPM key in `device`, which must be the TPM that made it.
    public func signer(_ device: TPMDevice) throws(ProvisioningError) -> any Signer {
        switch kind {
        case .software(let signer): return signer
        case .tpm(let file):
            do throws(TPMError) { return try TPMSigner(file, in: device) } catch { throw .tpm(file: path, error) }
        }
    }
}

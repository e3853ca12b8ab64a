import CTSS2
import DER

/// A TPM's signature in the form that others verify: an RSA signature as it is, an ECDSA one as a DER ECDSA-Sig-Value
/// (RFC 3279, 2.2.3). Empty for any other kind, which no verifier takes for a signature.
func signatureBytes(_ signature: TPMT_SIGNATURE) -> [UInt8] {
    switch signature.sigAlg {
    case TPM2_ALG_RSAPSS:
        return bytes(of: signature.signature.rsapss.sig)
    case TPM2_ALG_ECDSA:
        var writer = DERWriter()
        writer.writeConstructed { sequence in
            sequence.writeUnsigned(bytes(of: signature.signature.ecdsa.signatureR))
            sequence.writeUnsigned(bytes(of: signature.signature.ecdsa.signatureS))
        }
        return writer.bytes
    default:
        return []
    }
}

import CTSS2
import EntropyCrypto

/// The public areas that the TPM is asked to make keys by (TPM 2.0 Library, Part 2, 12.2.4).
enum KeyTemplate {
    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign: made in this TPM, never leaves it, and no
    /// power cut counts as a failed try. Not restricted, since the digest is made outside; not decrypt.
    static let signingAttributes: UInt32 = 0x0004_0472
    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, decrypt.
    static let storageAttributes: UInt32 = 0x0003_0472

    /// The primary of the owner hierarchy under which keys are made: the ECC P-256 storage template of the "TPM 2.0 key
    /// files" specification, derived anew at each start, so that nothing persistent is needed.
    static var primary: TPM2B_PUBLIC {
        var template = empty(type: TPM2_ALG_ECC, attributes: storageAttributes)
        template.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES
        template.publicArea.parameters.eccDetail.symmetric.keyBits.aes = 128
        template.publicArea.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB
        template.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL
        template.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256
        template.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL
        return template
    }

    /// A signing key with its one scheme: RSASSA-PSS or ECDSA, both with SHA-256.
    static func signing(_ algorithm: KeyAlgorithm) -> TPM2B_PUBLIC {
        switch algorithm {
        case .rsa(let bits):
            var template = empty(type: TPM2_ALG_RSA, attributes: signingAttributes)
            template.publicArea.parameters.rsaDetail = rsaParameters(bits: bits)
            return template
        case .ecdsaP256:
            var template = empty(type: TPM2_ALG_ECC, attributes: signingAttributes)
            template.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL
            template.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA
            template.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256
            template.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256
            template.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL
            return template
        }
    }

    /// What TPM2_TestParms is asked, to learn whether a TPM has keys of this size.
    static func parameters(_ algorithm: KeyAlgorithm) -> TPMT_PUBLIC_PARMS {
        let template = signing(algorithm)
        var parameters = TPMT_PUBLIC_PARMS()
        parameters.type = template.publicArea.type
        parameters.parameters = template.publicArea.parameters
        return parameters
    }

    private static func rsaParameters(bits: Int32) -> TPMS_RSA_PARMS {
        var parameters = TPMS_RSA_PARMS()
        parameters.symmetric.algorithm = TPM2_ALG_NULL
        parameters.scheme.scheme = TPM2_ALG_RSAPSS
        parameters.scheme.details.rsapss.hashAlg = TPM2_ALG_SHA256
        parameters.keyBits = UInt16(clamping: bits)
        parameters.exponent = 0  // the default, 65537
        return parameters
    }

    private static func empty(type: UInt16, attributes: UInt32) -> TPM2B_PUBLIC {
        var template = TPM2B_PUBLIC()
        template.publicArea.type = type
        template.publicArea.nameAlg = TPM2_ALG_SHA256
        template.publicArea.objectAttributes = attributes
        return template
    }
}

import CTSS2
import EntropyCrypto

/// The public areas that the TPM is asked to make keys by (TPM 2.0 Library, Part 2, 12.2.4).
enum KeyTemplate {
    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, sign: made in this TPM, never leaves it, and no
    /// power cut counts as a failed try. Not restricted, since the digest is made outside; not decrypt.
    static let signingAttributes: UInt32 = 0x0004_0472
    /// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, noDA, restricted, decrypt.
    static let storageAttributes: UInt32 = 0x0003_0472

    /// fixedTPM, fixedParent, sensitiveDataOrigin, adminWithPolicy, restricted, decrypt.
    private static let endorsementAttributes: UInt32 = 0x0003_00b2
    /// PolicySecret(endorsement hierarchy), the policy of every endorsement key (TCG EK Credential Profile, annex B).
    private static let endorsementPolicy: [UInt8] = [
        0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
        0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
    ]

    /// The primary of the owner hierarchy under which keys are made: the ECC P-256 storage template of the "TPM 2.0 key
    /// files" specification, derived anew at each start, so that nothing persistent is needed.
    static var storagePrimary: TPM2B_PUBLIC {
        var template = empty(type: TPM2_ALG_ECC, attributes: storageAttributes)
        template.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_AES
        template.publicArea.parameters.eccDetail.symmetric.keyBits.aes = 128
        template.publicArea.parameters.eccDetail.symmetric.mode.aes = TPM2_ALG_CFB
        template.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL
        template.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256
        template.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL
        return template
    }

    /// The same for key files that say "rsaParent": RSA 2048 (template H-1). Takes long to derive on hardware.
    static var rsaStoragePrimary: TPM2B_PUBLIC {
        var template = empty(type: TPM2_ALG_RSA, attributes: storageAttributes)
        template.publicArea.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES
        template.publicArea.parameters.rsaDetail.symmetric.keyBits.aes = 128
        template.publicArea.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB
        template.publicArea.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL
        template.publicArea.parameters.rsaDetail.keyBits = 2048
        return template
    }

    /// A signing key with its one scheme: RSASSA-PSS or ECDSA, both with SHA-256. Without noDA wrong passwords count
    /// towards the TPM's lockout, and so do power cuts while the key is loaded.
    static func signing(_ algorithm: KeyAlgorithm, isDAProtected: Bool = false) -> TPM2B_PUBLIC {
        let attributes = isDAProtected ? signingAttributes & ~ObjectAttributes.noDA : signingAttributes
        switch algorithm {
        case .rsa(let bits):
            var template = empty(type: TPM2_ALG_RSA, attributes: attributes)
            template.publicArea.parameters.rsaDetail = rsaParameters(bits: bits)
            return template
        case .ecdsaP256: return ecdsa(attributes: attributes)
        }
    }

    private static func ecdsa(attributes: UInt32) -> TPM2B_PUBLIC {
        var template = empty(type: TPM2_ALG_ECC, attributes: attributes)
        template.publicArea.parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL
        template.publicArea.parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA
        template.publicArea.parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256
        template.publicArea.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256
        template.publicArea.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL
        return template
    }

    /// The endorsement key that makers certify: template L-1, RSA 2048 (TCG EK Credential Profile, annex B).
    static var endorsementKey: TPM2B_PUBLIC {
        var template = empty(type: TPM2_ALG_RSA, attributes: endorsementAttributes)
        template.publicArea.authPolicy = digest(endorsementPolicy)
        template.publicArea.parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_AES
        template.publicArea.parameters.rsaDetail.symmetric.keyBits.aes = 128
        template.publicArea.parameters.rsaDetail.symmetric.mode.aes = TPM2_ALG_CFB
        template.publicArea.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL
        template.publicArea.parameters.rsaDetail.keyBits = 2048
        template.publicArea.unique.rsa.size = 256  // zeros
        return template
    }

    /// An attestation key: ECDSA on P-256, restricted to what the TPM itself made.
    static var attestationKey: TPM2B_PUBLIC { ecdsa(attributes: signingAttributes | ObjectAttributes.restricted) }

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

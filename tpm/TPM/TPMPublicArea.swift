import CTSS2
import DER
import EntropyCrypto

/// A key's public area as a TPM keeps it (TPM 2.0 Library, Part 2, 12.2.4).
public struct TPMPublicArea: Sendable {
    /// What a key is to be used for.
    enum Use {
        /// Signing packets: a signing key that takes digests from outside.
        case packets
        /// Vouching for other keys: a restricted signing key, which signs only what its TPM made.
        case attestation
    }

    let area: TPM2B_PUBLIC
    public let publicKey: PublicKey
    /// Algorithm and digest of the area: changes with every bit of it (Part 1, 16).
    public let name: [UInt8]

    public var attributes: ObjectAttributes { ObjectAttributes(bits: area.publicArea.objectAttributes) }

    /// True when a wrong password counts towards the TPM's lockout.
    public var isUnderDictionaryAttackProtection: Bool { !attributes.has(ObjectAttributes.noDA) }

    /// Fails where a password is missing and may not be guessed: under dictionary-attack protection the empty one is not
    /// tried on the off chance, only where the key's file says that it is the right one.
    func requirePassword(_ authValue: AuthValue?, of location: TPMKeyLocation) throws(TPMError) {
        guard authValue == nil, isUnderDictionaryAttackProtection, location.emptyAuth != true else { return }
        throw TPMError(
            .wrongAuthorization,
            "this key may have a password, and wrong tries lock the TPM: give it by --auth-file "
                + "(an empty file where there is none)")
    }

    /// From a marshalled TPM2B_PUBLIC, which must fill all of `bytes`. Refuses what cannot sign packets, by name.
    public init(unmarshalling bytes: [UInt8]) throws(TPMError) {
        let area: TPM2B_PUBLIC
        do throws(TPMError) {
            area = try TPM.publicArea(unmarshalling: bytes)
        } catch {
            throw TPMError(.badKeyFile, "its public part is \(error.message)")
        }
        try self.init(area, for: .packets)
    }

    /// Refuses what does not fit its use, by name: a restricted or decryption key, a policy, another scheme.
    init(_ area: TPM2B_PUBLIC, for use: Use) throws(TPMError) {
        self.area = area
        let attributes = ObjectAttributes(bits: area.publicArea.objectAttributes)
        guard attributes.has(ObjectAttributes.sign) else { throw TPMError(.unusableKey, "this is not a signing key") }
        switch use {
        case .packets:
            guard !attributes.has(ObjectAttributes.restricted) else {
                throw TPMError(.unusableKey, "this is a restricted key: it signs only what the TPM itself made")
            }
        case .attestation:
            guard attributes.has(ObjectAttributes.restricted) else {
                throw TPMError(.unusableKey, "this is no restricted key: it signs whatever it is given")
            }
        }
        guard attributes.has(ObjectAttributes.userWithAuth) else {
            throw TPMError(.unusableKey, "this key can be used by a policy only, which is not supported")
        }
        guard attributes.has(ObjectAttributes.madeInside) else {
            throw TPMError(
                .unusableKey,
                "this key was not made in its TPM or may leave it: it needs fixedTPM, fixedParent and "
                    + "sensitiveDataOrigin")
        }
        guard area.publicArea.nameAlg == TPM2_ALG_SHA256 else {
            throw TPMError(.unusableKey, "this key's Name is made with another hash than SHA-256")
        }
        name = TPMPublicArea.name(of: try TPM.marshalled(area.publicArea))
        do throws(CryptoError) {
            publicKey = try PublicKey(try TPMPublicArea.pkix(area.publicArea))
        } catch {
            throw TPMError(.unusableKey, "its numbers are no key for this program: \(error.message)")
        }
    }

    /// As a TPM2B_PUBLIC.
    public func marshalled() throws(TPMError) -> [UInt8] { try TPM.marshalled(area) }

    /// The Name of a marshalled TPMT_PUBLIC whose nameAlg is SHA-256: the algorithm's number, and the digest.
    static func name(of area: [UInt8]) -> [UInt8] { [0x00, 0x0b] + SHA256.hash(area) }

    /// The scheme to name at each signature: the key's own, or where it leaves that open the only one used here.
    var scheme: TPMT_SIG_SCHEME {
        var scheme = TPMT_SIG_SCHEME()
        switch publicKey.algorithm {
        case .rsa:
            scheme.scheme = TPM2_ALG_RSAPSS
            scheme.details.rsapss.hashAlg = TPM2_ALG_SHA256
        case .ecdsaP256:
            scheme.scheme = TPM2_ALG_ECDSA
            scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256
        }
        return scheme
    }

    /// SubjectPublicKeyInfo (RFC 3279, 2.3): rsaEncryption, not id-RSASSA-PSS, as every reader knows it.
    static func pkix(_ area: TPMT_PUBLIC) throws(CryptoError) -> [UInt8] {
        switch area.type {
        case TPM2_ALG_RSA:
            let parameters = area.parameters.rsaDetail
            try requireScheme(parameters.scheme.scheme, TPM2_ALG_RSAPSS, parameters.scheme.details.rsapss.hashAlg)
            let exponent = parameters.exponent == 0 ? 65537 : parameters.exponent
            var key = DERWriter()
            key.writeConstructed { sequence in
                sequence.writeUnsigned(bytes(of: area.unique.rsa))
                sequence.writeInteger(Int64(exponent))
            }
            return subjectPublicKeyInfo(
                oid: [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01], curve: nil, key.bytes)
        case TPM2_ALG_ECC:
            let parameters = area.parameters.eccDetail
            try requireScheme(parameters.scheme.scheme, TPM2_ALG_ECDSA, parameters.scheme.details.ecdsa.hashAlg)
            guard parameters.curveID == TPM2_ECC_NIST_P256 else {
                throw CryptoError(
                    .unsupportedKey, "elliptic-curve keys are on P-256 here, this one is on another curve")
            }
            let point = [0x04] + padded(bytes(of: area.unique.ecc.x)) + padded(bytes(of: area.unique.ecc.y))
            return subjectPublicKeyInfo(
                oid: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
                curve: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], point)
        default:
            throw CryptoError(.unsupportedKey, "an RSA or P-256 key is needed, this is another kind")
        }
    }

    private static func requireScheme(_ scheme: UInt16, _ wanted: UInt16, _ hash: UInt16) throws(CryptoError) {
        if scheme == TPM2_ALG_NULL { return }
        guard scheme == wanted, hash == TPM2_ALG_SHA256 else {
            throw CryptoError(
                .unsupportedKey, "the key is bound to a scheme other than RSASSA-PSS or ECDSA with SHA-256")
        }
    }

    private static func subjectPublicKeyInfo(oid: [UInt8], curve: [UInt8]?, _ key: [UInt8]) -> [UInt8] {
        var writer = DERWriter()
        writer.writeConstructed { info in
            info.writeConstructed { algorithm in
                algorithm.write(DERTag.objectIdentifier, oid)
                if let curve {
                    algorithm.write(DERTag.objectIdentifier, curve)
                } else {
                    algorithm.write(DERTag.null, [])
                }
            }
            info.writeBitString(key)
        }
        return writer.bytes
    }

    /// A coordinate of P-256 in 32 bytes; a TPM may leave leading zeros out.
    private static func padded(_ coordinate: [UInt8]) -> [UInt8] {
        [UInt8](repeating: 0, count: max(0, 32 - coordinate.count)) + coordinate
    }
}

import CTSS2

// What proves to others that a key lives in this TPM (TPM 2.0 Library, Part 1, 24; TCG EK Credential Profile).
extension TPMContext {
    /// Where the maker's certificate of the RSA 2048 endorsement key is kept (TCG EK Credential Profile, 2.2.1).
    private static let endorsementCertificate: UInt32 = 0x01c0_0002

    /// The certificate as it is kept: DER, perhaps with more behind it.
    func endorsementCertificate() throws(TPMError) -> [UInt8] {
        var object = ESYS_TR()
        let response = Esys_TR_FromTPMPublic(
            esys, TPMContext.endorsementCertificate, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &object)
        guard response != 0x18b else {  // TPM_RC_HANDLE, about the first handle
            throw TPMError(
                .noSuchHandle,
                "this TPM keeps no certificate of its RSA 2048 endorsement key (NV 0x1c00002): its maker vouches for nothing"
            )
        }
        try ResponseCode.check(response, "Esys_TR_FromTPMPublic")
        let index = keep(object, isPersistent: true)
        defer { flush(index) }
        let (size, attributes) = try describe(index)
        // Whose password is empty and may be tried: the index's own, unless a wrong one would count, or the owner's.
        let isOwners: Bool
        if attributes & TPMContext.readableByItself == TPMContext.readableByItself {
            isOwners = false
        } else if attributes & TPMContext.readableByOwner != 0 {
            isOwners = true
        } else {
            throw TPMError(
                .unusableKey, "this TPM's endorsement certificate (NV 0x1c00002) is not for everyone to read")
        }
        let step = try nvBufferSize()
        var certificate: [UInt8] = []
        while certificate.count < size {
            var part: UnsafeMutablePointer<TPM2B_MAX_NV_BUFFER>?
            let wanted = UInt16(clamping: min(Int(step), size - certificate.count))
            let read = { (authorization: ESYS_TR) in
                Esys_NV_Read(
                    self.esys, isOwners ? ESYS_TR_RH_OWNER : index.handle, index.handle, authorization, ESYS_TR_NONE,
                    ESYS_TR_NONE, wanted, UInt16(clamping: certificate.count), &part)
            }
            let response = try isOwners ? authorized(by: .owner, read) : read(ESYS_TR_PASSWORD)
            try ResponseCode.check(response, "Esys_NV_Read", authorizedBy: isOwners ? .owner : .none)
            defer { Esys_Free(part) }
            guard let part, part.pointee.size > 0 else { throw TPMError(.refused, "Esys_NV_Read gave nothing") }
            certificate += bytes(at: part)
        }
        return certificate
    }

    // TPMA_NV (Part 2, 13.4): NO_DA and AUTHREAD; OWNERREAD.
    private static let readableByItself: UInt32 = 1 << 25 | 1 << 18
    private static let readableByOwner: UInt32 = 1 << 17

    private func describe(_ index: LoadedObject) throws(TPMError) -> (size: Int, attributes: UInt32) {
        var area: UnsafeMutablePointer<TPM2B_NV_PUBLIC>?
        try ResponseCode.check(
            Esys_NV_ReadPublic(esys, index.handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &area, nil),
            "Esys_NV_ReadPublic")
        defer { Esys_Free(area) }
        guard let area else { throw TPMError(.refused, "Esys_NV_ReadPublic gave nothing") }
        return (Int(area.pointee.nvPublic.dataSize), area.pointee.nvPublic.attributes)
    }

    /// Derives the endorsement key that the certificate is about. May take over 10 s on hardware.
    func createEndorsementKey() throws(TPMError) -> LoadedObject {
        try createPrimary(KeyTemplate.endorsementKey, in: .endorsement)
    }

    /// Derives the attestation key: the same one each time, until the TPM gets another endorsement seed.
    func createAttestationKey() throws(TPMError) -> LoadedObject {
        try createPrimary(KeyTemplate.attestationKey, in: .endorsement)
    }

    /// The secret in a credential that was made for this TPM and for `attestationKey`.
    func activate(
        _ credential: Credential, _ attestationKey: LoadedObject, _ endorsementKey: LoadedObject
    ) throws(TPMError) -> [UInt8] {
        var identity = try identityObject(unmarshalling: credential.identityObject)
        var seed = try encryptedSecret(unmarshalling: credential.encryptedSeed)
        let policy = try startPolicySession()
        defer { flush(policy) }
        // The endorsement key's policy: whoever may use the endorsement hierarchy.
        let permitted = Esys_PolicySecret(
            esys, ESYS_TR_RH_ENDORSEMENT, policy.handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, nil, nil, nil, 0,
            nil, nil)
        try ResponseCode.check(permitted, "Esys_PolicySecret", authorizedBy: .hierarchy("endorsement"))
        let session = try session(encrypting: .both)
        var secret: UnsafeMutablePointer<TPM2B_DIGEST>?
        let response = Esys_ActivateCredential(
            esys, attestationKey.handle, endorsementKey.handle, session, policy.handle, ESYS_TR_NONE, &identity, &seed,
            &secret)
        // TPM_RC_INTEGRITY of the first parameter; TPM_RC_VALUE or TPM_RC_SIZE of either.
        switch response {
        case 0x1df, 0x1c4, 0x2c4, 0x1d5, 0x2d5:
            throw TPMError(
                .foreignKey, "the challenge was altered, or made for another TPM", response: response)
        default: try ResponseCode.check(response, "Esys_ActivateCredential")
        }
        defer { Esys_Free(secret) }
        guard let secret else { throw TPMError(.refused, "Esys_ActivateCredential gave no secret") }
        return bytes(of: secret.pointee)
    }

    private func startPolicySession() throws(TPMError) -> LoadedObject {
        var symmetric = TPMT_SYM_DEF()
        symmetric.algorithm = TPM2_ALG_NULL
        var handle = ESYS_TR()
        try ResponseCode.check(
            Esys_StartAuthSession(
                esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nil, TPM2_SE_POLICY,
                &symmetric, TPM2_ALG_SHA256, &handle), "Esys_StartAuthSession")
        let session = keep(handle)
        try ResponseCode.check(
            Esys_TRSess_SetAttributes(esys, handle, TPMSession.continueSession, 0xff), "Esys_TRSess_SetAttributes")
        return session
    }

    /// The attestation key's word that this TPM made `key` (TPM2_CertifyCreation), where its proof of creation is at hand,
    /// or that it holds it (TPM2_Certify, for which the key must be authorized), with `nonce` in it.
    func certify(
        _ key: LoadedObject, _ proof: CreationProof?, by attestationKey: LoadedObject, nonce: [UInt8]
    ) throws(TPMError) -> Attestation {
        var qualifying = data(nonce)
        var scheme = TPMT_SIG_SCHEME()
        scheme.scheme = TPM2_ALG_NULL  // the attestation key's own
        var statement: UnsafeMutablePointer<TPM2B_ATTEST>?
        var signature: UnsafeMutablePointer<TPMT_SIGNATURE>?
        defer {
            Esys_Free(statement)
            Esys_Free(signature)
        }
        let session = try session(encrypting: .command)
        if let proof {
            var hash = digest(proof.hash)
            var ticket = try creationTicket(unmarshalling: proof.ticket)
            let response = Esys_CertifyCreation(
                esys, attestationKey.handle, key.handle, session, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying, &hash,
                &scheme, &ticket, &statement, &signature)
            // TPM_RC_TICKET, of whichever parameter.
            guard response & 0xbf != 0xa0 || response >> 16 != 0 else {
                throw TPMError(
                    .badStructure, "what the record has as proof of the key's creation is not this TPM's word",
                    response: response)
            }
            try ResponseCode.check(response, "Esys_CertifyCreation")
        } else {
            let password = ESYS_TR_PASSWORD  // the attestation key's, which is empty
            try ResponseCode.check(
                Esys_Certify(
                    esys, key.handle, attestationKey.handle, session, password, ESYS_TR_NONE, &qualifying, &scheme,
                    &statement, &signature), "Esys_Certify", authorizedBy: .key)
        }
        guard let statement, let signature else { throw TPMError(.refused, "the TPM gave no attestation") }
        return Attestation(statement: bytes(at: statement), signature: signatureBytes(signature.pointee))
    }
}

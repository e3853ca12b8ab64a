import CTSS2

/// An HMAC session with the TPM (TPM 2.0 Library, Part 1, 17 to 21): salted to the primary key, so that who only listens on
/// the bus between processor and TPM learns neither what it encrypts nor how to alter a command unnoticed.
struct TPMSession {
    /// Which parameter of a command AES-128-CFB encrypts: only the first one of either direction, and only where it has a
    /// size of its own.
    enum Encryption {
        case nothing
        case command
        case response
        case both

        fileprivate var attributes: UInt8 {
            switch self {
            case .nothing: 0
            case .command: TPMSession.decrypt
            case .response: TPMSession.encrypt
            case .both: TPMSession.decrypt | TPMSession.encrypt
            }
        }
    }

    // TPMA_SESSION (Part 2, 8.4). "decrypt" is said from the TPM's side: the command comes encrypted.
    static let continueSession: UInt8 = 0x01
    private static let decrypt: UInt8 = 0x20
    private static let encrypt: UInt8 = 0x40

    let handle: ESYS_TR

    /// Starts a session that is salted to `primary`, a restricted decryption key. The caller flushes it.
    init(_ esys: OpaquePointer, saltedTo primary: ESYS_TR) throws(TPMError) {
        var symmetric = TPMT_SYM_DEF()
        symmetric.algorithm = TPM2_ALG_AES
        symmetric.keyBits.aes = 128
        symmetric.mode.aes = TPM2_ALG_CFB
        var handle = ESYS_TR()
        try ResponseCode.check(
            Esys_StartAuthSession(
                esys, primary, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, nil, TPM2_SE_HMAC, &symmetric,
                TPM2_ALG_SHA256, &handle), "Esys_StartAuthSession")
        self.handle = handle
    }

    /// Says what the next command encrypts, and keeps the session open after it.
    func encrypting(_ what: Encryption, _ esys: OpaquePointer) throws(TPMError) -> ESYS_TR {
        try ResponseCode.check(
            Esys_TRSess_SetAttributes(esys, handle, TPMSession.continueSession | what.attributes, 0xff),
            "Esys_TRSess_SetAttributes")
        return handle
    }
}

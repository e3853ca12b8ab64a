import COpenSSL

/// An X.509 certificate (RFC 5280).
public final class Certificate {
    /// Bytes of a file with certificates at the most.
    public static let maximumFileSize = 1 << 20

    private let pointer: OpaquePointer  // <X509>, owned
    /// DER, without whatever stood after it.
    public let der: [UInt8]

    /// From the DER at the start of `bytes`: a TPM may keep it in a place that is longer.
    public init(startOf bytes: [UInt8]) throws(CryptoError) {
        let (pointer, count) = bytes.withUnsafeBufferPointer { buffer -> (OpaquePointer?, Int) in
            var position = buffer.baseAddress
            let found = d2i_X509(nil, &position, buffer.count)
            guard let position, let start = buffer.baseAddress else { return (found, 0) }
            return (found, position - start)
        }
        ERR_clear_error()
        guard let pointer else { throw CryptoError(.notACertificate, "not an X.509 certificate") }
        self.pointer = pointer
        der = Array(bytes.prefix(count))
    }

    deinit { X509_free(pointer) }

    /// Fails for a key of another kind than those that are used here.
    public func publicKey() throws(CryptoError) -> PublicKey {
        try PublicKey(owning: try OpenSSL.require(X509_get_pubkey(pointer), "X509_get_pubkey"))
    }

    /// The issuer's name, for messages.
    public var issuer: String {
        guard let name = X509_get_issuer_name(pointer), let text = X509_NAME_oneline(name, nil, 0) else { return "?" }
        defer { openssl_free(text) }
        return String(cString: text)
    }

    /// SHA-256 of the certificate.
    public var fingerprint: [UInt8] { SHA256.hash(der) }

    /// True when the certificate is for encrypting keys to its own, and for nothing that would make it anything else
    /// (RFC 5280, 4.2.1.3 and 4.2.1.9): no authority, no key that signs.
    public var isForKeyEncipherment: Bool {
        let usage = X509_get_key_usage(pointer)  // all bits where the extension is missing
        guard usage != UInt32.max, X509_check_ca(pointer) == 0 else { return false }
        let signing = UInt32(KU_DIGITAL_SIGNATURE | KU_KEY_CERT_SIGN | KU_CRL_SIGN)
        return usage & UInt32(KU_KEY_ENCIPHERMENT) != 0 && usage & signing == 0
    }

    /// True when the certificate names this purpose, an object identifier with dots (RFC 5280, 4.2.1.12).
    public func isFor(_ purpose: StaticString) -> Bool {
        guard let list = X509_get_ext_d2i(pointer, NID_ext_key_usage, nil, nil) else { return false }
        let purposes = OpaquePointer(list)  // <STACK_OF(ASN1_OBJECT)>, owned
        defer { openssl_free_purposes(purposes) }
        for place in 0..<OPENSSL_sk_num(purposes) {
            guard let object = OPENSSL_sk_value(purposes, place) else { continue }
            var text = [CChar](repeating: 0, count: 64)
            OBJ_obj2txt(&text, Int32(text.count), OpaquePointer(object), 1)
            let name = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            if name.elementsEqual(UnsafeBufferPointer(start: purpose.utf8Start, count: purpose.utf8CodeUnitCount)) {
                return true
            }
        }
        return false
    }

    /// Fails unless one of the authorities vouches for this certificate, by way of others of them where needed, now (6.1).
    public func requireTrust(in authorities: CertificateAuthorities) throws(CryptoError) {
        let context = try OpenSSL.require(X509_STORE_CTX_new(), "X509_STORE_CTX_new")
        defer {
            X509_STORE_CTX_free(context)
            ERR_clear_error()
        }
        try OpenSSL.check(X509_STORE_CTX_init(context, authorities.store, pointer, nil), "X509_STORE_CTX_init")
        guard X509_verify_cert(context) == 1 else {
            let reason = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context)))
            let text = reason.map { String(cString: $0) } ?? "no reason given"
            throw CryptoError(
                .untrusted, "none of the \(authorities.count) trusted certificates vouches for it (\(text))")
        }
    }
}

/// The certificates of those who are trusted to issue others: each of them, whether it is signed by itself or not.
public final class CertificateAuthorities {
    fileprivate let store: OpaquePointer  // <X509_STORE>, owned
    public let count: Int

    /// From PEM certificates, one after the other; whatever stands around them is passed over.
    public init(_ file: [UInt8]) throws(CryptoError) {
        guard let size = Int32(exactly: file.count) else {
            throw CryptoError(.notACertificate, "the file is too long")
        }
        store = try OpenSSL.require(X509_STORE_new(), "X509_STORE_new")
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))  // always returns 1
        let store = store
        ERR_clear_error()
        let found = file.withUnsafeBytes { buffer -> Int in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, size) else { return 0 }
            defer { BIO_free(bio) }
            var found = 0
            while let each = PEM_read_bio_X509(bio, nil, nil, nil) {
                defer { X509_free(each) }  // the store has its own reference
                if X509_STORE_add_cert(store, each) == 1 { found += 1 }
            }
            return found
        }
        self.count = found
        // The end of the file is an error to PEM_read_bio_X509, and so is a certificate that is damaged.
        let isAtEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        ERR_clear_error()
        guard found > 0 || !isAtEnd else { throw CryptoError(.notACertificate, "no certificate in PEM is there") }
        guard isAtEnd else { throw CryptoError(.notACertificate, "certificate \(found + 1) in it is damaged") }
    }

    deinit { X509_STORE_free(store) }
}

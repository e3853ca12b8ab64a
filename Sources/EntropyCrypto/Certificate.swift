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

    /// The subject and its names, as far as they are text; for messages.
    public var issuer: String {
        guard let name = X509_get_issuer_name(pointer), let text = X509_NAME_oneline(name, nil, 0) else { return "?" }
        defer { openssl_free(text) }
        return String(cString: text)
    }

    /// True when the certificate limits its use to other purposes than `purpose`, an object identifier with dots (4.2.1.12).
    public func isLimitedToOtherPurposes(than purpose: StaticString) -> Bool {
        var critical: Int32 = 0
        guard let list = X509_get_ext_d2i(pointer, NID_ext_key_usage, &critical, nil) else {
            // -1: there is none, and no limit. Anything else is an extension that is damaged, or there twice.
            return critical != -1
        }
        let purposes = OpaquePointer(list)  // <STACK_OF(ASN1_OBJECT)>, owned
        defer { openssl_free_purposes(purposes) }
        for place in 0..<OPENSSL_sk_num(purposes) {
            guard let object = OPENSSL_sk_value(purposes, place) else { continue }
            var text = [CChar](repeating: 0, count: 64)
            OBJ_obj2txt(&text, Int32(text.count), OpaquePointer(object), 1)
            let name = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            if name.elementsEqual(UnsafeBufferPointer(start: purpose.utf8Start, count: purpose.utf8CodeUnitCount)) {
                return false
            }
        }
        return true
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
            throw CryptoError(
                .untrusted, reason.map { String(cString: $0) } ?? "the certificate cannot be verified")
        }
    }
}

/// The certificates of those who are trusted to issue others: each of them, whether it is signed by itself or not.
public final class CertificateAuthorities {
    fileprivate let store: OpaquePointer  // <X509_STORE>, owned

    /// From PEM certificates, one after the other; whatever stands around them is passed over.
    public init(_ file: [UInt8]) throws(CryptoError) {
        guard let count = Int32(exactly: file.count) else {
            throw CryptoError(.notACertificate, "the file is too long")
        }
        store = try OpenSSL.require(X509_STORE_new(), "X509_STORE_new")
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))  // always returns 1
        let store = store
        let found = file.withUnsafeBytes { buffer -> Int in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, count) else { return 0 }
            defer { BIO_free(bio) }
            var found = 0
            while let each = PEM_read_bio_X509(bio, nil, nil, nil) {
                defer { X509_free(each) }  // the store has its own reference
                if X509_STORE_add_cert(store, each) == 1 { found += 1 }
            }
            return found
        }
        ERR_clear_error()  // the end of the file is an error to PEM_read_bio
        guard found > 0 else { throw CryptoError(.notACertificate, "no certificate in PEM is there") }
    }

    deinit { X509_STORE_free(store) }
}

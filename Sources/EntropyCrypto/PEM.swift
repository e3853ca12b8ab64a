import COpenSSL

/// PEM (RFC 7468): a label, and the DER it holds.
public struct PEM: Sendable {
    public let label: String
    public let der: [UInt8]

    public init(label: String, der: [UInt8]) {
        self.label = label
        self.der = der
    }

    /// The one PEM block of a file, or nil where there is none: then the file may be DER itself. `EC PARAMETERS`, which
    /// openssl writes before a key, are passed over. A second block is refused, since nobody could say which one is
    /// meant, and so is one with an RFC 1421 header, which means an encrypted key.
    public static func decode(_ bytes: [UInt8]) throws(CryptoError) -> PEM? {
        guard let count = Int32(exactly: bytes.count) else { return nil }
        var blocks: [(pem: PEM, isEncrypted: Bool)] = []
        bytes.withUnsafeBytes { buffer in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, count) else { return }
            defer { BIO_free(bio) }
            while blocks.count < 3, let block = next(bio) {
                if !block.pem.has(label: "EC PARAMETERS") { blocks.append(block) }
            }
        }
        ERR_clear_error()  // "no start line" is an answer, not a fault
        guard let first = blocks.first else { return nil }
        guard blocks.count == 1 else { throw CryptoError(.notAKey, "the file holds more than one PEM block") }
        guard !first.isEncrypted else {
            throw CryptoError(.encryptedKey, "the key is encrypted with a passphrase, which is not supported")
        }
        return first.pem
    }

    private static func next(_ bio: OpaquePointer) -> (pem: PEM, isEncrypted: Bool)? {
        var name: UnsafeMutablePointer<CChar>?
        var header: UnsafeMutablePointer<CChar>?
        var data: UnsafeMutablePointer<UInt8>?
        var length = 0
        guard PEM_read_bio(bio, &name, &header, &data, &length) == 1, let name, let header, let data else { return nil }
        defer {
            openssl_free(name)
            openssl_free(header)
            openssl_clear_free(data, length)
        }
        let der = Array(UnsafeBufferPointer(start: data, count: length))
        return (PEM(label: String(cString: name), der: der), header[0] != 0)
    }

    /// The text, in lines of 64 characters.
    public func encode() throws(CryptoError) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { throw OpenSSL.failure("BIO_new") }
        defer { BIO_free(bio) }
        guard PEM_write_bio(bio, label, "", der, der.count) > 0 else { throw OpenSSL.failure("PEM_write_bio") }
        var text: UnsafeMutablePointer<CChar>?
        let count = openssl_memory(bio, &text)
        guard let text, count > 0 else { throw OpenSSL.failure("BIO_get_mem_data") }
        return UnsafeBufferPointer(start: text, count: count).map { UInt8(bitPattern: $0) }
    }

    /// Compares labels byte by byte: String's own comparison would bring Unicode's tables to the board.
    public func has(label other: StaticString) -> Bool {
        label.utf8.elementsEqual(UnsafeBufferPointer(start: other.utf8Start, count: other.utf8CodeUnitCount))
    }
}

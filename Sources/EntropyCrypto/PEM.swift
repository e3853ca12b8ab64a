import COpenSSL
import Platform

/// PEM (RFC 7468): a label, and the DER it holds.
public struct PEM: Sendable {
    public let label: String
    public let der: [UInt8]

    public init(label: String, der: [UInt8]) {
        self.label = label
        self.der = der
    }

    /// Which key a caller is looking for, where a file holds both halves.
    public enum Half: Sendable {
        case any
        case secret
    }

    /// The one key in a file, or nil where there is no PEM block: then the file may be DER itself. Certificates, parameters
    /// and other blocks are passed over, for `.secret` public keys too. A second key is refused, since nobody could say which
    /// one is meant, and so is one that is encrypted (RFC 1421). Blank lines are passed over.
    public static func decode(_ bytes: [UInt8], _ half: Half = .any) throws(CryptoError) -> PEM? {
        var text = PEM.withoutBlankLines(bytes)
        defer { wipe(&text) }
        guard let count = Int32(exactly: text.count) else { return nil }
        var keys: [(pem: PEM, isEncrypted: Bool)] = []
        var other: PEM?
        text.withUnsafeBytes { buffer in
            guard let bio = BIO_new_mem_buf(buffer.baseAddress, count) else { return }
            defer { BIO_free(bio) }
            while keys.count < 3, let block = next(bio) {
                if block.pem.isKey, half == .any || !block.pem.isPublicKey {
                    keys.append(block)
                } else if !block.pem.has(label: "EC PARAMETERS") {
                    other = other ?? block.pem
                }
            }
        }
        ERR_clear_error()  // "no start line" is an answer, not a fault
        guard let first = keys.first else { return other }
        guard keys.count == 1 else { throw CryptoError(.notAKey, "the file holds more than one key in PEM") }
        guard !first.isEncrypted else {
            throw CryptoError(.encryptedKey, "the key is encrypted with a passphrase, which is not supported")
        }
        return first.pem
    }

    private var isKey: Bool { Array(label.utf8).suffix(4).elementsEqual(" KEY".utf8) || has(label: "KEY") }
    private var isPublicKey: Bool { Array(label.utf8).suffix(10).elementsEqual("PUBLIC KEY".utf8) }

    /// The same without empty lines, which OpenSSL takes for the end of a header. Where there is a header they mean just that.
    private static func withoutBlankLines(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + 1)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if Text.begins(line, with: "Proc-Type:") { return bytes }
            guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0d }) else { continue }
            text += line
            text.append(UInt8(ascii: "\n"))
        }
        return text
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

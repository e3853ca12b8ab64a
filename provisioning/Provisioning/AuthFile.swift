import EntropyCrypto
import EntropyState
import Platform
import TPM

/// The file with a password of the TPM's: at most 32 bytes as they are, or one line of text. A systemd credential is such a
/// file too.
public enum AuthFile {
    /// What systemd hands over under this name (`LoadCredential=`) is taken for a key that needs a password, when no file is named.
    static let credential: StaticString = "entropy-source.auth"

    /// Bytes that are read: a password, and a line's end.
    private static let limit = AuthValue.maximumSize + 2

    /// What a file holds.
    struct Contents {
        let password: AuthValue
        /// What version 2.0 took for the password where that is not the same: with the end of the line.
        let earlier: AuthValue?
    }

    /// The password. `warn` gets a line when others may read the file. A missing file is an error.
    public static func read(_ path: String, warn: (String) -> Void) throws(ProvisioningError) -> AuthValue {
        try contents(path, warn: warn).password
    }

    /// A file is text when it is one line: no control characters but tabs, before a final LF or CR LF, which is not part of
    /// the password. Anything else is taken byte by byte.
    static func contents(_ path: String, warn: (String) -> Void) throws(ProvisioningError) -> Contents {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: limit, secret: true, warn: warn)
        } catch {
            guard !error.isTooLong else { throw .badAuthFile(path, tooLong) }
            throw .file(.file(error))
        }
        defer { wipe(&bytes) }
        var earlier: AuthValue?
        if bytes.last == UInt8(ascii: "\n") {
            let end = bytes.suffix(2).first == UInt8(ascii: "\r") && bytes.count > 1 ? 2 : 1
            let line = bytes.dropLast(end)
            if line.allSatisfy({ $0 == UInt8(ascii: "\t") || $0 >= 0x20 && $0 != 0x7f }) {
                if bytes.count <= AuthValue.maximumSize, !line.allSatisfy({ (0x20...0x7e).contains($0) }) {
                    var whole = bytes
                    do throws(TPMError) { earlier = try AuthValue(moving: &whole) } catch {
                        throw .tpm(file: path, error)
                    }
                }
                bytes.removeLast(end)
            } else {
                warn(
                    "\(path): not one line of text: all of its \(bytes.count) bytes are the password, the last line feed too"
                )
            }
        }
        guard bytes.count <= AuthValue.maximumSize else { throw .badAuthFile(path, tooLong) }
        // The TPM drops zeros at the end before it compares: a password of zeros is none.
        let isNothing = !bytes.isEmpty && bytes.allSatisfy { $0 == 0 }
        guard !isNothing else { throw .badAuthFile(path, "it holds nothing but zeros, which is no password to a TPM") }
        do throws(TPMError) {
            return Contents(password: try AuthValue(moving: &bytes), earlier: earlier)
        } catch {
            throw .tpm(file: path, error)
        }
    }

    private static let tooLong =
        "a TPM takes passwords of at most \(AuthValue.maximumSize) bytes, this file is longer"

    /// A new password of 32 random bytes in a new file, mode 0600.
    public static func make(_ path: String) throws(ProvisioningError) -> AuthValue {
        var bytes: [UInt8]
        do throws(SystemError) {
            // One that ends like a line could be taken for text.
            repeat { bytes = try SystemRandom.bytes(AuthValue.maximumSize) } while bytes.last == UInt8(ascii: "\n")
        } catch {
            throw .file(.file(error))
        }
        defer { wipe(&bytes) }
        do throws(StateError) {
            try NewFiles([path], force: false).write([.secret(bytes)])
        } catch {
            throw .file(error)
        }
        do throws(TPMError) { return try AuthValue(moving: &bytes) } catch { throw .tpm(file: path, error) }
    }
}

extension TPMDevice {
    /// Reads the passwords of the TPM's owner and of a key's persistent parent; nil where no file is named.
    public func usePasswords(
        ownerFile: String?, parentFile: String?, warn: (String) -> Void
    ) throws(ProvisioningError) {
        var owner: AuthValue?
        var parent: AuthValue?
        if let ownerFile { owner = try AuthFile.read(ownerFile, warn: warn) }
        if let parentFile { parent = try AuthFile.read(parentFile, warn: warn) }
        usePasswords(owner: owner, parent: parent)
    }
}

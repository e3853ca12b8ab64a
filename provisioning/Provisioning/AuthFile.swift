import EntropyCrypto
import EntropyState
import Platform
import TPM

/// The file with a key's password, its authValue: at most 32 bytes as they are, or one line of text. A systemd credential
/// is such a file too.
public enum AuthFile {
    /// What systemd hands over under this name (`LoadCredential=`) is taken for a key that needs a password, when no file is named.
    static let credential: StaticString = "entropy-source.auth"

    /// Bytes that are read: a password, and a line's end.
    private static let limit = AuthValue.maximumSize + 2

    /// The password. `warn` gets a line when others may read the file. A missing file is an error.
    public static func read(_ path: String, warn: (String) -> Void) throws(ProvisioningError) -> AuthValue {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try StateFile.read(path, limit: limit, secret: true, warn: warn)
        } catch {
            guard !error.isTooLong else { throw .badAuthFile(path, tooLong) }
            throw .file(.file(error))
        }
        defer { wipe(&bytes) }
        // Text that a person or another program wrote ends with a line's end, which is not meant; random bytes may end
        // with the same byte, which is.
        if bytes.last == UInt8(ascii: "\n"), bytes.dropLast().allSatisfy({ (0x20...0x7e).contains($0) }) {
            bytes.removeLast()
        }
        let text = bytes.prefix { (0x20...0x7e).contains($0) }
        guard bytes.dropFirst(text.count) != [0x0d, 0x0a] || text.isEmpty else {
            throw .badAuthFile(path, "it ends with CR LF, which would be part of the password")
        }
        guard bytes.count <= AuthValue.maximumSize else { throw .badAuthFile(path, tooLong) }
        // The TPM drops zeros at the end before it compares: a password of zeros is none.
        let isNothing = !bytes.isEmpty && bytes.allSatisfy { $0 == 0 }
        guard !isNothing else { throw .badAuthFile(path, "it holds nothing but zeros, which is no password to a TPM") }
        do throws(TPMError) { return try AuthValue(moving: &bytes) } catch { throw .tpm(file: path, error) }
    }

    private static let tooLong =
        "a TPM takes passwords of at most \(AuthValue.maximumSize) bytes, this file is longer"

    /// A new password of 32 random bytes in a new file, mode 0600.
    public static func make(_ path: String) throws(ProvisioningError) -> AuthValue {
        var bytes: [UInt8]
        do throws(SystemError) {
            bytes = try SystemRandom.bytes(AuthValue.maximumSize)
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

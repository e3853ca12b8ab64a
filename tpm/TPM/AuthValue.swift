import CTSS2
import EntropyCrypto

/// The authValue of a key: the password without which the TPM does not use it (TPM 2.0 Library, Part 1, 19.6.1). It crosses
/// the bus once, encrypted, when the key is made; afterwards it is a key of the session's HMAC. Shared, never copied.
public final class AuthValue: Sendable {
    /// The longest one of a key whose Name is made with SHA-256.
    public static let maximumSize = 32
    /// Bytes below which guessing at the TPM's speed may succeed, where no lockout stops it.
    public static let safeSize = 16

    private let secret: SecretBytes
    public var count: Int { secret.count }

    /// Takes at most 32 bytes over; the array is zeroed, also when its length is refused.
    public init(moving bytes: inout [UInt8]) throws(TPMError) {
        let secret = SecretBytes(moving: &bytes)
        guard secret.count <= AuthValue.maximumSize else {
            throw TPMError(
                .wrongAuthorization,
                "a TPM takes passwords of at most \(AuthValue.maximumSize) bytes, this one is longer")
        }
        self.secret = secret
    }

    /// The bytes, for the file they are kept in. Wipe them.
    public func copyBytes() -> [UInt8] { secret.copyBytes() }

    /// Lends it in ESAPI's form, which is wiped afterwards.
    func withBuffer<R>(_ body: (inout TPM2B_DIGEST) throws(TPMError) -> R) throws(TPMError) -> R {
        var bytes = copyBytes()
        var buffer = digest(bytes)
        defer {
            wipe(&bytes)
            withUnsafeMutableBytes(of: &buffer) { wipe($0) }
        }
        return try body(&buffer)
    }
}

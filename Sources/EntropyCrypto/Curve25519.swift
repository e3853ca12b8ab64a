import CSodium
import Platform

/// A sink's public key, 32 bytes.
public struct BoxPublicKey: Sendable, Equatable {
    public static let size = 32
    public let bytes: [UInt8]

    /// Refuses any length but 32 bytes.
    public init(_ bytes: [UInt8]) throws(CryptoError) {
        guard bytes.count == BoxPublicKey.size else {
            throw CryptoError(.wrongLength, "a Curve25519 public key has 32 bytes, this one has \(bytes.count)")
        }
        self.bytes = bytes
    }

    /// Refuses the points of small order, with which every box would have the same key. Costs one multiplication.
    public func requireUsable() throws(CryptoError) {
        var scalar = [UInt8](repeating: 0, count: 32)
        scalar[0] = 8
        var product = [UInt8](repeating: 0, count: 32)
        guard crypto_scalarmult(&product, scalar, bytes) == 0 else {
            throw CryptoError(.unsupportedKey, "this Curve25519 public key is a point of small order: no key at all")
        }
    }

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }
}

/// A sink's private key, or the ephemeral one of a packet. Shared, never copied.
public final class BoxPrivateKey: Sendable {
    public static let size = 32
    let secret: SecretBytes
    public let publicKey: BoxPublicKey

    /// Takes the 32 bytes over; the array is zeroed, also when it is refused: another length, or bytes that no generator made.
    public init(moving bytes: inout [UInt8]) throws(CryptoError) {
        let count = bytes.count
        let secret = SecretBytes(moving: &bytes)
        guard count == BoxPrivateKey.size else {
            throw CryptoError(.wrongLength, "a Curve25519 private key has 32 bytes, this one has \(count)")
        }
        guard !BoxPrivateKey.isGuessable(secret) else {
            throw CryptoError(.unsupportedKey, "this Curve25519 private key is a fill pattern that anyone can guess")
        }
        publicKey = BoxPublicKey(unchecked: BoxPrivateKey.publicBytes(of: secret))
        self.secret = secret
    }

    /// True for 32 equal bytes, as an empty disk or flash has them, and for a scalar of which only those bits are set that
    /// X25519 itself sets or clears (RFC 7748, 5).
    private static func isGuessable(_ secret: borrowing SecretBytes) -> Bool {
        secret.withUnsafeBytes { bytes in
            var (difference, scalar): (UInt8, UInt8) = (0, bytes[0] & 0xf8 | bytes[size - 1] & 0x3f)
            for place in 0..<size { difference |= bytes[place] ^ bytes[0] }
            for place in 1..<(size - 1) { scalar |= bytes[place] }
            return difference == 0 || scalar == 0
        }
    }

    /// A new key from the kernel's generator.
    public convenience init() { self.init(filling: SecretBytes(count: BoxPrivateKey.size)) }

    /// A new key for one packet.
    public static func ephemeral() -> BoxPrivateKey {
        BoxPrivateKey(filling: SecretBytes(brief: BoxPrivateKey.size))
    }

    private init(filling empty: consuming SecretBytes) {
        var secret = empty
        secret.withUnsafeMutableBytes { randombytes_buf($0, BoxPrivateKey.size) }
        publicKey = BoxPublicKey(unchecked: BoxPrivateKey.publicBytes(of: secret))
        self.secret = secret
    }

    /// The raw key, for the file it is kept in. Wipe it.
    public func copyBytes() -> [UInt8] { secret.copyBytes() }

    private static func publicBytes(of secret: borrowing SecretBytes) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: BoxPublicKey.size)
        _ = secret.withUnsafeBytes { crypto_scalarmult_base(&bytes, $0) }  // returns 0 for every scalar
        return bytes
    }
}

import CSodium

/// What two Curve25519 keys share, computed once (crypto_box_beforenm): seals and opens any number of boxes.
public final class BoxSharedKey: Sendable {
    /// Bytes of a nonce, and bytes that a box is longer than what it holds.
    public static let nonceSize = 24
    public static let overhead = 16

    private let secret: SecretBytes

    /// Fails for a peer key of small order.
    public init(_ peer: [UInt8], _ own: BoxPrivateKey) throws(CryptoError) {
        guard peer.count == BoxPublicKey.size else { throw CryptoError(.wrongLength, "a Curve25519 key has 32 bytes") }
        var secret = SecretBytes(brief: Int(crypto_box_BEFORENMBYTES))
        let result = own.secret.withUnsafeBytes { key in
            secret.withUnsafeMutableBytes { crypto_box_beforenm($0, peer, key) }
        }
        guard result == 0 else { throw CryptoError(.boxInvalid, "the peer's key is a point of small order") }
        self.secret = secret
    }

    /// nonce (24) || box, under a random nonce.
    public func seal(_ message: [UInt8]) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: BoxSharedKey.nonceSize)
        randombytes_buf(&nonce, nonce.count)
        var box = [UInt8](repeating: 0, count: message.count + BoxSharedKey.overhead)
        _ = secret.withUnsafeBytes {  // fails only for messages beyond 256 GB
            crypto_box_easy_afternm(&box, message, UInt64(message.count), nonce, $0)
        }
        return nonce + box
    }

    /// Opens nonce (24) || box. Fails when it is too short, was changed, or was made with other keys.
    public func open(_ sealed: ArraySlice<UInt8>) throws(CryptoError) -> [UInt8] {
        let box = sealed.dropFirst(BoxSharedKey.nonceSize)
        guard box.count >= BoxSharedKey.overhead else { throw CryptoError(.wrongLength, "the box is too short") }
        let nonce = Array(sealed.prefix(BoxSharedKey.nonceSize))
        let boxed = Array(box)
        var message = [UInt8](repeating: 0, count: box.count - BoxSharedKey.overhead)
        let result = secret.withUnsafeBytes {
            crypto_box_open_easy_afternm(&message, boxed, UInt64(boxed.count), nonce, $0)
        }
        guard result == 0 else { throw CryptoError(.boxInvalid, "the box does not open") }
        return message
    }
}

import EntropyCrypto

/// A NaCl box around a signed message: ephemeral public key (32) || nonce (24) || box, from a key pair that lives for
/// this packet alone to the sink's public key.
public enum Envelope {
    /// Bytes that an envelope is longer than what it holds.
    public static let overhead = BoxPublicKey.size + BoxSharedKey.nonceSize + BoxSharedKey.overhead

    /// The bytes to send, and the key that opens the sink's receipt.
    public struct Sealed {
        public let bytes: [UInt8]
        public let sharedKey: BoxSharedKey
    }

    /// What a sink finds, and the key that seals its receipt.
    public struct Opened {
        public let message: SignedMessage
        public let sharedKey: BoxSharedKey
    }

    /// Seals to `sink` with a new ephemeral key. Fails for a public key of small order only.
    public static func seal(_ message: SignedMessage, to sink: BoxPublicKey) throws(CryptoError) -> Sealed {
        let ephemeral = BoxPrivateKey.ephemeral()
        let key = try BoxSharedKey(sink.bytes, ephemeral)
        var plain = message.encode()
        defer { wipe(&plain) }
        return Sealed(bytes: ephemeral.publicKey.bytes + key.seal(plain), sharedKey: key)
    }

    public static func open(_ bytes: [UInt8], with sink: BoxPrivateKey) throws(PacketError) -> Opened {
        guard bytes.count >= overhead else { throw .boxTooShort }
        // X25519 passes over the top bit of a key (RFC 7748, section 5), and nobody sets it: with it set, a packet would
        // have a second form that opens as well.
        guard bytes[BoxPublicKey.size - 1] < 0x80 else { throw .boxInvalid }
        let key: BoxSharedKey
        var plain: [UInt8]
        do throws(CryptoError) {
            key = try BoxSharedKey(Array(bytes.prefix(BoxPublicKey.size)), sink)
            plain = try key.open(bytes.dropFirst(BoxPublicKey.size))
        } catch {
            throw .boxInvalid
        }
        defer { wipe(&plain) }
        return Opened(message: try SignedMessage(decoding: plain), sharedKey: key)
    }
}

import CBare
import EntropyCrypto
import EntropyPacket
import Platform

/// A peer's call failed, or what it made is not what ours opens: then there is nothing to compare.
struct ComparisonFailed: Error {}

func require(_ isGood: Bool) throws(ComparisonFailed) {
    guard isGood else { throw ComparisonFailed() }
}

/// A signer, a sink and a packet, for our code and for the bare calls alike.
final class Example {
    static let algorithms: [(name: String, algorithm: KeyAlgorithm)] = [
        ("RSA-2048", .rsa(bits: 2048)), ("P-256", .ecdsaP256),
    ]

    private let signer: SoftwareSigner
    private let sink = BoxPrivateKey()
    private let packet: Packet
    private let message: [UInt8]
    /// What the box holds, and its parts' places in it.
    private let plain: [UInt8]
    private let signatureSize: Int
    private let sealed: [UInt8]
    private let bare: OpaquePointer  // <bare>, owned
    private var envelope: [UInt8]

    init(_ algorithm: KeyAlgorithm) throws {
        signer = try SoftwareSigner(generating: algorithm)
        packet = try Packet(
            timestamp: 1_700_000_000, counter: 1 << 20, chunk: try SystemRandom.bytes(Packet.chunkSize),
            recipient: Recipient(sink.publicKey))
        message = packet.encode()
        let signed = SignedMessage(message: message, signature: try signer.sign(message))
        plain = signed.encode()
        signatureSize = signed.signature.count
        sealed = try Envelope.seal(signed, to: sink.publicKey).bytes
        envelope = [UInt8](repeating: 0, count: plain.count + Int(BARE_OVERHEAD))
        let key = try signer.file(pem: false)
        guard let bare = bare_new(key, key.count, sink.copyBytes()) else { throw ComparisonFailed() }
        self.bare = bare
        // Each opens what the other one sealed.
        try sealBare()
        try require(try open(envelope).packet == packet)
        try openBare()
    }

    deinit { bare_free(bare) }

    /// As the source makes it: encoded, signed, the signature verified, encoded once more, boxed.
    func seal() throws -> Envelope.Sealed {
        let message = packet.encode()
        return try Envelope.seal(
            SignedMessage(message: message, signature: try signer.sign(message)), to: sink.publicKey)
    }

    func sealBare() throws {
        try require(bare_seal(bare, message, message.count, plain, plain.count, &envelope) == 0)
    }

    /// As the sink opens it: unboxed, decoded, verified, decoded once more.
    func open() throws -> (packet: Packet, signer: Int) { try open(sealed) }

    private func open(_ bytes: [UInt8]) throws -> (packet: Packet, signer: Int) {
        try Envelope.open(bytes, with: sink).message.verifiedPacket(by: [signer.publicKey])
    }

    func openBare() throws {
        // The signature comes last; before it its header, of four bytes for RSA, of two for P-256, and the message.
        let signature = plain.count - signatureSize
        let place = signature - (signatureSize > 0xff ? 4 : 2) - message.count
        try require(
            bare_open(bare, sealed, sealed.count, place, message.count, signature, signatureSize) == 0)
    }
}

import DER
import EntropyCrypto

/// A message and its signature: `SEQUENCE { message OCTET STRING, signature OCTET STRING }`.
public struct SignedMessage: Sendable, Equatable {
    public let message: [UInt8]
    /// Over SHA-256 of `message`; empty when the message is not signed.
    public let signature: [UInt8]

    public init(message: [UInt8], signature: [UInt8]) {
        self.message = message
        self.signature = signature
    }

    public func encode() -> [UInt8] {
        var writer = DERWriter(reservingCapacity: message.count + signature.count + 16)
        writer.writeConstructed { sequence in
            sequence.write(DERTag.octetString, message)
            sequence.write(DERTag.octetString, signature)
        }
        return writer.bytes
    }

    /// Elements after the two are refused: nothing unsigned has a place here.
    public init(decoding bytes: [UInt8]) throws(PacketError) {
        do throws(DERError) {
            var outer = DERReader(bytes)
            var sequence = try outer.readConstructed()
            try outer.finish()
            message = Array(try sequence.read(DERTag.octetString))
            signature = Array(try sequence.read(DERTag.octetString))
            try sequence.finish()
        } catch {
            throw .malformedEnvelope
        }
    }

    /// The packet, and which of the signers it is by, once its signature is known to be theirs. Whose it is `likely` is tried
    /// first.
    public func verifiedPacket(
        by signers: [PublicKey], likely: Int = 0
    ) throws(PacketError) -> (packet: Packet, signer: Int) {
        guard !signature.isEmpty else { throw .unsigned }
        if signers.indices.contains(likely), signers[likely].verify(signature, of: message) {
            return (try Packet(decoding: message), likely)
        }
        for (place, signer) in signers.enumerated() where place != likely && signer.verify(signature, of: message) {
            return (try Packet(decoding: message), place)
        }
        throw .signatureInvalid
    }
}

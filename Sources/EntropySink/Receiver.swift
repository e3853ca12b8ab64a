import EntropyCrypto
import EntropyPacket
import EntropyState
import Platform

/// Judges one packet after the other, in this order: box, signature, recipient, drift, counter, store, mix
/// (README.md, "The packet").
///
/// Confined to one thread, on which it may block: a stored counter is on the medium before the chunk is mixed.
final class Receiver {
    /// What a connection learns of its packet.
    struct Answer: Sendable {
        /// The receipt's frame; nil for whoever could not be authenticated, who gets no byte.
        let receipt: [UInt8]?
    }

    private var configuration: SinkConfiguration
    private let pool: EntropyDevice
    private let clock: Clock
    private let log: Log
    private var keys: [PublicKey]
    /// With the counters as they are now.
    private var signers: [KnownSigner]

    init(_ configuration: SinkConfiguration, pool: consuming EntropyDevice, clock: Clock, log: Log) {
        self.configuration = configuration
        self.pool = pool
        self.clock = clock
        self.log = log
        keys = configuration.signers.map { $0.key }
        signers = configuration.signers
    }

    /// From now on judges by another configuration, which keeps its counters in the same place. No counter falls.
    func configure(_ other: SinkConfiguration) throws(StateError) {
        let known = signers
        let raised = other.signers.map { signer in
            signer.raised(to: known.first { $0.key.pkix == signer.key.pkix }?.counter)
        }
        try other.counterFile.claim(raised)
        configuration = other
        keys = raised.map { $0.key }
        signers = raised
    }

    func receive(_ bytes: [UInt8], from peer: Peer) -> Answer {
        let opened: Envelope.Opened
        let packet: Packet
        let signer: Int
        do throws(PacketError) {
            opened = try Envelope.open(bytes, with: configuration.privateKey)
            (packet, signer) = try opened.message.verifiedPacket(by: keys)
        } catch {
            log.junk(peer, "refused: \(error.message)")
            return Answer(receipt: nil)
        }
        let status = judge(packet, by: signer, from: peer)
        let receipt = Receipt(status: status, counter: signers[signer].counter, time: clock.unixTime())
        return Answer(receipt: receipt.seal(with: opened.sharedKey))
    }

    private func judge(_ packet: Packet, by signer: Int, from peer: Peer) -> Receipt.Status {
        do throws(PacketError) {
            try checkRecipient(packet)
            try Freshness(drift: configuration.drift).check(
                packet, now: clock.unixTime(), storedCounter: signers[signer].counter)
        } catch {
            // Anyone can send a recorded packet again: these are limited like junk.
            log.junk(peer, "\(name(packet, signer)) refused: \(error.message)")
            switch error {
            case .timestampOutsideDrift: return .timestampOutsideDrift
            case .counterRegressed: return .counterRegressed
            default: return .wrongRecipient
            }
        }
        return accept(packet, by: signer, from: peer)
    }

    private func checkRecipient(_ packet: Packet) throws(PacketError) {
        guard let recipient = packet.recipient else {
            if configuration.requiresRecipient { throw .recipientMissing }
            return
        }
        guard recipient == Recipient(configuration.privateKey.publicKey) else { throw .wrongRecipient }
    }

    private func accept(_ packet: Packet, by signer: Int, from peer: Peer) -> Receipt.Status {
        do throws(StateError) {
            try configuration.counterFile.store(packet.counter, for: signer, of: signers)
        } catch {
            if case .counterNotAbove(let stored) = error {
                signers[signer].counter = stored
                log.junk(peer, "\(name(packet, signer)) refused: \(error.message)")
                return .counterRegressed
            }
            // It shall not be tried again by whoever recorded the packet, nor mixed should it be on the medium after all.
            signers[signer].counter = packet.counter
            log.line(
                "\(peer.text): \(name(packet, signer)) not mixed: its counter cannot be stored: \(error.message)"
            )
            return .notMixed
        }
        signers[signer].counter = packet.counter
        do throws(SystemError) {
            let result = try pool.mix(packet.chunk, creditingBits: configuration.credit)
            log.line("\(peer.text): \(name(packet, signer)) mixed, \(describe(result))")
            return .mixed
        } catch {
            log.line("\(peer.text): \(name(packet, signer)) not mixed: \(error.message); its counter is spent")
            return .notMixed
        }
    }

    /// What a log calls a packet: with several signers, by its signer too.
    private func name(_ packet: Packet, _ signer: Int) -> String {
        keys.count == 1
            ? "packet \(packet.counter)" : "packet \(packet.counter) of signer \(signers[signer].label)"
    }

    private func describe(_ result: EntropyDevice.Result) -> String {
        switch result {
        case .reseeded(0): "\(Packet.chunkSize) bytes into the kernel's pool, its generator reseeded"
        case .reseeded(let bits):
            "\(Packet.chunkSize) bytes into the kernel's pool, its generator reseeded, \(bits) bits credited"
        case .written:
            "\(Packet.chunkSize) bytes into the kernel's pool, for its next reseed (at once would need CAP_SYS_ADMIN)"
        case .appended: "\(Packet.chunkSize) bytes appended"
        }
    }
}

import EntropyCrypto
import EntropyPacket
import EntropyState
import Health
import Platform

/// Judges packets in this order: box, signature, recipient, drift, counter, store, chunk, mix (docs/packet.md). Those
/// that come together share one write of their counters. Box and signature are the opener's, which other threads use too.
///
/// Confined otherwise to one thread, on which it may block: a stored counter is on the medium before the chunk is mixed.
final class Receiver {
    /// A packet as it came.
    struct Arrival: Sendable {
        let bytes: [UInt8]
        let peer: Peer
    }

    /// What a connection learns of its packet.
    struct Answer: Sendable {
        /// The receipt's frame; nil for whoever could not be authenticated, who gets no byte.
        let receipt: [UInt8]?
        /// Its counter is spent: this was a source, and not somebody who recorded one.
        var isAccepted = false
    }

    /// A packet whose signature is a known signer's.
    private struct Known {
        let packet: Packet
        let signer: Int
        let peer: Peer
        let key: BoxSharedKey
        /// Nil until it is known.
        var status: Receipt.Status?

        init?(_ opened: Opener.Opened) {
            guard let content = opened.content else { return nil }
            (packet, signer, key) = (content.packet, content.signer, content.sharedKey)
            peer = opened.arrival.peer
        }
    }

    private var configuration: SinkConfiguration
    /// Who this sink is, for packets that name a recipient.
    private var recipient: Recipient
    /// Opens packets, on any thread.
    let opener: Opener
    private let pool: EntropyDevice
    /// Of the signers in their order.
    let ledger: Ledger
    private let clock: Clock
    private let log: Log
    /// With the counters of packets that were judged to their end: on the medium, or spent because that failed.
    private var signers: [KnownSigner]

    init(_ configuration: SinkConfiguration, key: BoxPrivateKey, pool: consuming EntropyDevice, clock: Clock, log: Log)
    {
        self.configuration = configuration
        recipient = Recipient(key.publicKey)
        opener = Opener(Opener.Keys(key, configuration.signers.map { $0.key }), log: log)
        self.pool = pool
        self.clock = clock
        self.log = log
        ledger = Ledger(configuration.signers, maximumAge: configuration.maximumAge, clock: clock)
        signers = configuration.signers
        for line in ledger.unknown() { log.line(line) }
    }

    /// From now on judges by another configuration, which keeps its counters in the same place. No counter falls.
    func configure(_ other: SinkConfiguration, key: BoxPrivateKey) throws(StateError) {
        let known = signers
        let raised = other.signers.map { signer in
            signer.raised(to: known.first { $0.key.pkix == signer.key.pkix }?.counter)
        }
        try other.counterFile.claim(raised)
        configuration = other
        recipient = Recipient(key.publicKey)
        opener.keys = Opener.Keys(key, raised.map { $0.key })
        signers = raised
        ledger.configure(raised, maximumAge: other.maximumAge)
        for line in ledger.unknown() { log.line(line) }
    }

    /// One answer for each packet, in their order. What was opened before the last change of the configuration is opened anew.
    func judge(_ opened: [Opener.Opened]) -> [Answer] {
        let keys = opener.keys
        var known = opened.map { Known($0.keys === keys ? $0 : opener.open($0.arrival)) }
        var accepted: [Int] = []
        // In this round only: what the signers have is what was stored.
        var counters = signers.map { $0.counter }
        for place in known.indices {
            guard let one = known[place] else { continue }
            if let refusal = refuse(one, storedCounter: counters[one.signer]) {
                known[place]?.status = refusal
            } else {
                // What comes after it has to be above it.
                counters[one.signer] = one.packet.counter
                accepted.append(place)
            }
        }
        if !accepted.isEmpty { store(accepted, &known) }
        for place in accepted where known[place]?.status == nil {
            if let one = known[place] { known[place]?.status = mix(one) }
        }
        ledger.note(signers)
        return known.map { one in
            Answer(
                receipt: one.map { receipt($0) }, isAccepted: one?.status == .mixed || one?.status == .notMixed)
        }
    }

    /// Why the packet is refused, for all that is known in memory; nil where it is not.
    private func refuse(_ known: Known, storedCounter: Int64) -> Receipt.Status? {
        do throws(PacketError) {
            try checkRecipient(known.packet)
            try Freshness(drift: configuration.drift).check(
                known.packet, now: clock.unixTime(), storedCounter: storedCounter)
            try checkBeginning(known)
            try checkJump(known.packet.counter, storedCounter)
            return nil
        } catch {
            return refusal(of: known, error)
        }
    }

    private func refusal(of known: Known, _ error: PacketError) -> Receipt.Status {
        let (reason, status): (SinkReport.Refusal, Receipt.Status) =
            switch error {
            case .timestampOutsideDrift, .madeBeforeStart: (.drift, .timestampOutsideDrift)
            case .counterRegressed, .counterTooFarAhead: (.counter, .counterRegressed)
            default: (.recipient, .wrongRecipient)
            }
        return refuse(known, reason, "refused: \(error.message)", status)
    }

    /// Counts and logs a packet that is not mixed.
    private func refuse(
        _ known: Known, _ reason: SinkReport.Refusal, _ text: String, _ status: Receipt.Status = .notMixed
    ) -> Receipt.Status {
        ledger.refused(known.signer, reason)
        log.refused(signers[known.signer].label, reason, known.peer, "\(name(known)) \(text)")
        return status
    }

    private func checkRecipient(_ packet: Packet) throws(PacketError) {
        guard let named = packet.recipient else {
            if configuration.requiresRecipient { throw .recipientMissing }
            return
        }
        guard named == recipient else { throw .wrongRecipient }
    }

    private func checkBeginning(_ known: Known) throws(PacketError) {
        guard let beginning = ledger.beginning(known.signer), known.packet.timestamp < beginning else { return }
        throw .madeBeforeStart(seconds: saturatingDifference(beginning, known.packet.timestamp))
    }

    /// One packet shall not bring a key to its end, be it made by whoever had the key for a moment.
    private func checkJump(_ counter: Int64, _ stored: Int64) throws(PacketError) {
        let most = configuration.counterJump
        guard most < .max else { return }
        guard saturatingDifference(counter, stored) <= most, counter < .max else {
            throw .counterTooFarAhead(stored: stored)
        }
    }

    /// Stores the counters of the accepted packets in one step. Those that must not be mixed get their status.
    private func store(_ accepted: [Int], _ known: inout [Known?]) {
        var counters: [Int64?] = signers.map { _ in nil }
        for one in accepted.compactMap({ known[$0] }) { counters[one.signer] = one.packet.counter }
        // Once they are stored, or cannot be. Not before: the file would be told of a counter that nothing was mixed for.
        defer {
            for one in accepted.compactMap({ known[$0] }) {
                signers[one.signer].counter = max(signers[one.signer].counter, one.packet.counter)
            }
        }
        let storing: CounterFile.Storing
        do throws(StateError) {
            storing = try configuration.counterFile.store(counters, of: signers)
        } catch {
            // They shall not be tried again by whoever recorded the packets, nor mixed should they be on the medium after
            // all.
            for place in accepted {
                guard let one = known[place] else { continue }
                known[place]?.status = refuse(
                    one, .storage, "not mixed: its counter cannot be stored: \(error.message)")
            }
            return
        }
        if let loss = storing.loss { log.line("\(configuration.counterFile.path): \(describe(loss))") }
        for place in accepted {
            if let one = known[place] { known[place]?.status = refuse(one, storing.stored[one.signer]) }
        }
    }

    private func describe(_ loss: CounterFile.Loss) -> String {
        let known = "written again with the counters that this sink knows"
        return switch loss {
        case .file: "the file with the counters was gone; \(known)"
        case .signer: "a signer's counter was missing (an older copy?); \(known)"
        case .counter: "a signer's counter was smaller than before (an older copy?); \(known)"
        }
    }

    /// The same for what only the file knew.
    private func refuse(_ known: Known, _ stored: CounterFile.Stored) -> Receipt.Status? {
        switch stored {
        case .done(let before) where known.packet.counter > before:
            ledger.know(known.signer)
            return nil
        case .done(let found), .notAbove(let found):
            signers[known.signer].counter = max(signers[known.signer].counter, found)
            return refusal(of: known, .counterRegressed(stored: found))
        case .signerGone:
            return refuse(
                known, .storage,
                "not mixed: \(configuration.counterFile.path) no longer lists this signer; have the sink read it anew by "
                    + "SIGHUP")
        }
    }

    private func mix(_ known: Known) -> Receipt.Status {
        if let failure = StuckBlock.check(known.packet.chunk) { return refuse(known, failure) }
        do throws(SystemError) {
            let result = try pool.mix(known.packet.chunk, creditingBits: configuration.credit)
            let gap = ledger.mixed(known.signer)
            log.line("\(known.peer.text): \(name(known)) mixed, \(describe(result))\(describe(gap))")
            return .mixed
        } catch {
            return refuse(known, .pool, "not mixed: \(error.message); its counter is spent")
        }
    }

    /// A signature says who made a chunk, and nothing of what is in it.
    private func refuse(_ known: Known, _ failure: HealthFailure) -> Receipt.Status {
        let label = signers[known.signer].label
        ledger.refused(known.signer, .chunk)
        log.refused(
            label, .chunk, known.peer,
            "packet \(known.packet.counter) of signer \(label) not mixed: its chunk is no entropy, \(failure.message); this "
                + "source's noise or program is broken: look there; the packet's counter is spent")
        return .notMixed
    }

    private func receipt(_ known: Known) -> [UInt8] {
        Receipt(
            status: known.status ?? .notMixed, counter: signers[known.signer].counter, time: clock.unixTime()
        ).seal(with: known.key)
    }

    /// What a log calls a packet: with several signers, by its signer too.
    private func name(_ known: Known) -> String {
        signers.count == 1
            ? "packet \(known.packet.counter)"
            : "packet \(known.packet.counter) of signer \(signers[known.signer].label)"
    }

    private func describe(_ result: EntropyDevice.Result) -> String {
        switch result {
        case .reseeded(let bits):
            "\(Packet.chunkSize) bytes into the kernel's pool, its generator reseeded\(credited(bits))"
        case .added(let bits):
            "\(Packet.chunkSize) bytes into the kernel's pool, for its next reseed (it cannot at once)\(credited(bits))"
        case .written:
            "\(Packet.chunkSize) bytes into the kernel's pool, for its next reseed (at once would need CAP_SYS_ADMIN)"
        case .appended: "\(Packet.chunkSize) bytes appended"
        }
    }

    private func describe(_ gap: Ledger.Gap) -> String {
        let interval = gap.seconds.map { ", \($0) s after the one before" } ?? ""
        return gap.wasMissed ? "\(interval); its signer is fresh again" : interval
    }

    private func credited(_ bits: Int32) -> String { bits == 0 ? "" : ", \(bits) bits credited" }
}

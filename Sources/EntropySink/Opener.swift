import EntropyCrypto
import EntropyPacket
import NIOConcurrencyHelpers

/// Opens packets and verifies their signatures: nearly all of the work that a packet takes, and none of it depends on another
/// packet. Any number of threads may do it at once.
final class Opener: Sendable {
    /// Who opens, and whose packets are known.
    final class Keys: Sendable {
        let privateKey: BoxPrivateKey
        let signers: [PublicKey]
        /// Whose the last packet from a peer's network was. A source stays where it is, mostly: its own key is tried first, and
        /// so with many signers a packet costs no more than with one.
        private let lastSigners = NIOLockedValueBox<[AddressPrefix: Int]>([:])

        /// Peers that are remembered at the most; then all are forgotten.
        private static let maximumPeers = 4096

        init(_ privateKey: BoxPrivateKey, _ signers: [PublicKey]) {
            self.privateKey = privateKey
            self.signers = signers
        }

        func likelySigner(_ peer: Peer) -> Int {
            signers.count == 1 ? 0 : lastSigners.withLockedValue { $0[peer.network] ?? 0 }
        }

        func note(_ signer: Int, of peer: Peer) {
            guard signers.count > 1 else { return }
            lastSigners.withLockedValue { last in
                if last.count >= Keys.maximumPeers, last[peer.network] == nil { last = [:] }
                last[peer.network] = signer
            }
        }
    }

    /// What a known signer made.
    struct Content: Sendable {
        let packet: Packet
        /// Its place among the keys.
        let signer: Int
        let sharedKey: BoxSharedKey
    }

    /// A packet with what came of opening it; without, where it is by nobody who is known.
    struct Opened: Sendable {
        let arrival: Receiver.Arrival
        /// What it was opened with.
        let keys: Keys
        let content: Content?
    }

    private let current: NIOLockedValueBox<Keys>
    private let log: Log

    init(_ keys: Keys, log: Log) {
        current = NIOLockedValueBox(keys)
        self.log = log
    }

    /// What packets are opened with from now on.
    var keys: Keys {
        get { current.withLockedValue { $0 } }
        set { current.withLockedValue { $0 = newValue } }
    }

    /// Says why a packet does not open, at a bounded rate.
    func open(_ arrival: Receiver.Arrival) -> Opened {
        let keys = keys
        do throws(PacketError) {
            let opened = try Envelope.open(arrival.bytes, with: keys.privateKey)
            let (packet, signer) = try opened.message.verifiedPacket(
                by: keys.signers, likely: keys.likelySigner(arrival.peer))
            keys.note(signer, of: arrival.peer)
            return Opened(
                arrival: arrival, keys: keys,
                content: Content(packet: packet, signer: signer, sharedKey: opened.sharedKey))
        } catch {
            let isForUs = error != .boxInvalid && error != .boxTooShort
            log.stranger(arrival.peer, isForUs: isForUs, "refused: \(error.message)")
            return Opened(arrival: arrival, keys: keys, content: nil)
        }
    }
}

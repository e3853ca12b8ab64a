import EntropyCrypto
import EntropyPacket
import EntropyState
import Fortuna
import Platform

/// What became of the wish for a packet.
enum Prepared {
    case packet(Outgoing)
    /// The entry left the list meanwhile.
    case withdrawn
    case failed(String, ExitCode)
}

/// Makes packets: a chunk by Fortuna, a counter that is stored first, a signature, a box.
final class PacketMaker {
    private let ledger: TargetLedger
    private let signer: any Signer
    private let accumulator: Accumulator
    private let clock: Clock

    init(ledger: TargetLedger, signer: any Signer, accumulator: Accumulator, clock: Clock) {
        self.ledger = ledger
        self.signer = signer
        self.accumulator = accumulator
        self.clock = clock
    }

    /// The next packet for each of `targets`. Their counters are on the medium, written in one step, before anyone could see
    /// a packet; those of `upcoming`, who come next, perhaps with them. Each packet is handed over, with its target's place, as
    /// soon as it is made: a TPM takes its time.
    func prepare(_ targets: [Target], upcoming: (Int) -> [Target], hand: (Int, Prepared) -> Void) {
        let numbers: [TargetList.Numbered]
        do throws(StateError) {
            numbers = try ledger.number(targets, upcoming: upcoming)
        } catch {
            for place in targets.indices { hand(place, .failed(error.message, error.exitCode)) }
            return
        }
        for (place, target) in targets.enumerated() {
            switch numbers[place] {
            case .gone: hand(place, .withdrawn)
            case .exhausted:
                let error = StateError.counterExhausted(file: ledger.list.path, address: target.address)
                hand(place, .failed(error.message, error.exitCode))
            case .counter(let counter): hand(place, packet(counter, for: target))
            }
        }
    }

    private func packet(_ counter: Int64, for target: Target) -> Prepared {
        var chunk: [UInt8]
        do throws(FortunaError) {
            chunk = try accumulator.read(Packet.chunkSize)
        } catch {
            return .failed(error.message, error.exitCode)
        }
        defer { wipe(&chunk) }
        return seal(chunk, counter, for: target)
    }

    private func seal(_ chunk: [UInt8], _ counter: Int64, for target: Target) -> Prepared {
        var message: [UInt8]
        do throws(PacketError) {
            message = try Packet(
                timestamp: clock.unixTime(), counter: counter, chunk: chunk, recipient: Recipient(target.publicKey)
            ).encode()
        } catch {
            return .failed(error.message, .failed)
        }
        defer { wipe(&message) }
        let signature: [UInt8]
        do throws(SignerError) {
            signature = try signer.sign(message)
        } catch {
            return .failed(error.message, error.exitCode)
        }
        do throws(CryptoError) {
            let sealed = try Envelope.seal(SignedMessage(message: message, signature: signature), to: target.publicKey)
            return .packet(
                Outgoing(counter: counter, frame: Frame.encode(sealed.bytes), sharedKey: sealed.sharedKey))
        } catch {
            return .failed(error.message, error.exitCode)
        }
    }
}

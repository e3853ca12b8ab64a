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
        var place = 0
        // With the signer, in its order.
        var unsigned: [(place: Int, counter: Int64)] = []
        signer.sign {
            while place < targets.count {
                defer { place += 1 }
                let target = targets[place]
                switch numbers[place] {
                case .gone: hand(place, .withdrawn)
                case .exhausted:
                    let error = StateError.counterExhausted(file: ledger.list.path, address: target.address)
                    hand(place, .failed(error.message, error.exitCode))
                case .counter(let counter):
                    switch message(counter, for: target) {
                    case .success(let message):
                        unsigned.append((place, counter))
                        return message
                    case .failure(let failure): hand(place, .failed(failure.message, failure.exitCode))
                    }
                }
            }
            return nil
        } take: { message, signed in
            let (place, counter) = unsigned.removeFirst()
            hand(place, seal(&message, signed, counter, to: targets[place].publicKey))
        }
    }

    /// Why there is no message.
    private struct Failure: Error {
        let message: String
        let exitCode: ExitCode
    }

    private func message(_ counter: Int64, for target: Target) -> Result<[UInt8], Failure> {
        var chunk: [UInt8]
        do throws(FortunaError) {
            chunk = try accumulator.read(Packet.chunkSize)
        } catch {
            return .failure(Failure(message: error.message, exitCode: error.exitCode))
        }
        defer { wipe(&chunk) }
        do throws(PacketError) {
            return .success(
                try Packet(
                    timestamp: clock.unixTime(), counter: counter, chunk: chunk, recipient: Recipient(target.publicKey)
                ).encode())
        } catch {
            return .failure(Failure(message: error.message, exitCode: .failed))
        }
    }

    /// Wipes the message, whatever comes of it.
    private func seal(
        _ message: inout [UInt8], _ signed: Result<[UInt8], SignerError>, _ counter: Int64, to sink: BoxPublicKey
    ) -> Prepared {
        defer { wipe(&message) }
        let signature: [UInt8]
        do throws(SignerError) {
            signature = try signed.get()
        } catch {
            return .failed(error.message, error.exitCode)
        }
        do throws(CryptoError) {
            let sealed = try Envelope.seal(SignedMessage(message: message, signature: signature), to: sink)
            return .packet(
                Outgoing(counter: counter, frame: Frame.encode(sealed.bytes), sharedKey: sealed.sharedKey))
        } catch {
            return .failed(error.message, error.exitCode)
        }
    }
}

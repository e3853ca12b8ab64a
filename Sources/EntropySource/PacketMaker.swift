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
    private let list: TargetList
    private let signer: any Signer
    private let accumulator: Accumulator
    private let clock: Clock
    /// The last number of each target in this run: none is given twice, whatever an editor writes into the list. Those that
    /// leave the list stay here: they may come back with the counter of then.
    private var given: [Target.Identity: Int64] = [:]

    init(list: TargetList, signer: any Signer, accumulator: Accumulator, clock: Clock) {
        self.list = list
        self.signer = signer
        self.accumulator = accumulator
        self.clock = clock
    }

    /// The next packet for each of `targets`. Their counters are on the medium, written in one step, before anyone could see
    /// a packet. Each one is handed over, with its target's place, as soon as it is made: a TPM takes its time.
    func prepare(_ targets: [Target], hand: (Int, Prepared) -> Void) {
        let numbers: [TargetList.Numbered]
        do throws(StateError) {
            numbers = try list.number(targets) { given[$0.identity] }
        } catch {
            for place in targets.indices { hand(place, .failed(error.message, error.exitCode)) }
            return
        }
        var place = 0
        // At the signer, in its order.
        var unsigned: [Unsigned] = []
        signer.sign {
            while place < targets.count {
                defer { place += 1 }
                let target = targets[place]
                switch numbers[place] {
                case .gone: hand(place, .withdrawn)
                case .exhausted:
                    let error = StateError.counterExhausted(file: list.path, address: target.address)
                    hand(place, .failed(error.message, error.exitCode))
                case .counter(let counter):
                    given[target.identity] = counter
                    switch message(counter, for: target) {
                    case .success(let message):
                        unsigned.append(Unsigned(place: place, counter: counter, message: message))
                        return message
                    case .failure(let failure): hand(place, .failed(failure.message, failure.exitCode))
                    }
                }
            }
            return nil
        } take: { signed in
            var packet = unsigned.removeFirst()
            let prepared = seal(&packet, signed, to: targets[packet.place].publicKey)
            hand(packet.place, prepared)
        }
    }

    /// A packet's message that a signature is made for.
    private struct Unsigned {
        let place: Int
        let counter: Int64
        var message: [UInt8]
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
        _ packet: inout Unsigned, _ signed: Result<[UInt8], SignerError>, to sink: BoxPublicKey
    ) -> Prepared {
        defer { wipe(&packet.message) }
        let signature: [UInt8]
        do throws(SignerError) {
            signature = try signed.get()
        } catch {
            return .failed(error.message, error.exitCode)
        }
        do throws(CryptoError) {
            let sealed = try Envelope.seal(
                SignedMessage(message: packet.message, signature: signature), to: sink)
            return .packet(
                Outgoing(counter: packet.counter, frame: Frame.encode(sealed.bytes), sharedKey: sealed.sharedKey))
        } catch {
            return .failed(error.message, error.exitCode)
        }
    }
}

import EntropyCrypto
import EntropyPacket
import EntropyState
import Fortuna
import Platform

/// Makes packets: a chunk by Fortuna, a counter that is stored first, a signature, a box.
struct PacketMaker {
    let list: TargetList
    let signer: any Signer
    let accumulator: Accumulator
    let clock: Clock

    /// The next packet for `target`. Its counter is on the medium before anyone could see the packet.
    func prepare(_ target: Target) -> Prepared {
        let counter: Int64
        do throws(StateError) {
            guard let stored = try list.advanceCounter(of: target) else { return .withdrawn }
            counter = stored
        } catch {
            return .failed(error.message, error.exitCode)
        }
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

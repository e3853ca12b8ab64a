import EntropyPacket
import EntropyState
import Platform

// What comes of a delivery.
extension Source {
    func finish(_ target: Target, _ outcome: Outcome, _ result: inout ScanResult) {
        keepSeedYoung()
        do throws(StateError) {
            switch outcome {
            case .withdrawn:
                say("\(target.address): no longer in the list; nothing was sent")
            case .unconfirmed(let sent):
                try served(target, &result)
                let reason =
                    "the sink closed without a receipt (an original one does; or this key is not among its signers: "
                    + "its log says)"
                note(target, .unconfirmed, reason, sent)
                say("\(target.address): packet \(sent.counter) sent, \(sent.size) bytes, unconfirmed: \(reason)")
            case .receipt(let receipt, let sent) where receipt.status == .mixed:
                try served(target, &result)
                note(target, .mixed, "", sent)
                say("\(target.address): packet \(sent.counter) mixed, \(sent.size) bytes")
            case .receipt(let receipt, let sent):
                result.fail(.failed)
                let reason = try refused(target, receipt, sent)
                note(target, .refused, reason, sent)
                say("\(target.address): packet \(sent.counter) refused: \(reason)")
            case .failed(let reason, let code):
                result.fail(code)
                note(target, .unreachable, reason, nil)
                say("\(target.address): \(reason); \(again(target))")
            case .unprepared(let reason, let code):
                result.fail(code)
                note(target, .failed, reason, nil)
                say("\(target.address): \(reason); next try at the next scan")
            }
        } catch {
            result.fail(error.exitCode)
            note(target, .failed, error.message, nil)
            say(error.message)
        }
    }

    private func served(_ target: Target, _ result: inout ScanResult) throws(StateError) {
        backOff.clear(target)
        try list.setNext(of: target, to: saturatingSum(clock.unixTime(), schedule.spread()))
        result.served += 1
    }

    private func again(_ target: Target) -> String {
        "next try in \(backOff.fail(target, schedule, now: clock.milliseconds())) s"
    }

    private func note(_ target: Target, _ status: Report.Status, _ reason: String, _ sent: Outgoing?) {
        report.note(
            Report.Entry(
                address: target.address, key: target.publicKey, status: status, reason: reason,
                counter: sent?.counter ?? 0, bytes: Int64(sent?.size ?? 0), time: clock.unixTime()))
    }

    /// Why a sink refused, and what is done about it.
    private func refused(_ target: Target, _ receipt: Receipt, _ sent: Outgoing) throws(StateError) -> String {
        switch receipt.status {
        case .mixed: return "no reason"
        case .counterRegressed where receipt.counter < sent.counter:
            return "the sink says that its counter is \(receipt.counter), which is below the packet's; \(again(target))"
        case .counterRegressed where !isBelievable(receipt.counter, sent.counter):
            return
                "the sink says that its counter is \(receipt.counter), far above ours, which is not believed: if it is "
                + "right, `entropy-source --once --accept-counter-jump`; \(again(target))"
        case .counterRegressed:
            try list.raiseCounter(of: target, to: receipt.counter)
            return "the sink's counter is \(receipt.counter); ours is moved there for the next scan"
        case .timestampOutsideDrift:
            return
                "the sink's clock differs by \(saturatingDifference(receipt.time, clock.unixTime())) s, more than its "
                + "Drift allows; \(again(target))"
        case .wrongRecipient:
            return "the sink takes no packet that does not name it: is its public key in our list? \(again(target))"
        case .notMixed: return "the sink could not mix it; its log says why; \(again(target))"
        }
    }

    private func isBelievable(_ counter: Int64, _ own: Int64) -> Bool {
        settings.acceptsCounterJump || saturatingDifference(counter, own) <= Source.counterJump
    }
}

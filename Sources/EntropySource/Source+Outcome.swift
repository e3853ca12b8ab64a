import EntropyPacket
import EntropyState
import Platform

// What comes of deliveries.
extension Source {
    /// Deliveries that ended: notes and tells what came of each.
    func finish(_ ended: [(Target, Outcome)]) {
        keepSeedYoung()
        for (target, outcome) in ended { finish(target, outcome) }
        isReportNew = true
    }

    private func finish(_ target: Target, _ outcome: Outcome) {
        switch outcome {
        case .withdrawn:
            say("\(target.address): no longer in the list; nothing was sent")
        case .unconfirmed(let sent):
            ledger.note(served(target))
            let reason =
                "the sink closed without a receipt (an original one does; or this key is not among its signers: "
                + "its log says)"
            note(target, .unconfirmed, reason, sent)
            say("\(target.address): packet \(sent.counter) sent, \(sent.size) bytes, unconfirmed: \(reason)")
        case .receipt(let receipt, let sent) where receipt.status == .mixed:
            ledger.note(served(target))
            note(target, .mixed, "", sent)
            say("\(target.address): packet \(sent.counter) mixed, \(sent.size) bytes")
        case .receipt(let receipt, let sent):
            result.fail(.failed)
            let reason = refused(target, receipt, sent)
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
    }

    private func served(_ target: Target) -> TargetList.Note {
        backOff.clear(target)
        result.served += 1
        return .next(agenda.serve(target, again: schedule.spread(), now), of: target)
    }

    private func again(_ target: Target) -> String {
        "next try in \(backOff.fail(target, schedule, now: clock.milliseconds())) s"
    }

    private func note(_ target: Target, _ status: Report.Status, _ reason: String, _ sent: Outgoing?) {
        report.note(
            Report.Entry(
                identity: target.identity, status: status, reason: reason,
                counter: sent?.counter ?? 0, bytes: Int64(sent?.size ?? 0), time: clock.unixTime()))
    }

    /// Why a sink refused, and what is done about it.
    private func refused(_ target: Target, _ receipt: Receipt, _ sent: Outgoing) -> String {
        switch receipt.status {
        case .mixed: return "no reason"
        case .counterRegressed where receipt.counter < sent.counter:
            return "the sink says that its counter is \(receipt.counter), which is below the packet's; \(again(target))"
        case .counterRegressed where !isBelievable(receipt.counter, sent.counter):
            return
                "the sink says that its counter is \(receipt.counter), far above ours, which is not believed: if it is "
                + "right, `entropy-source --once --accept-counter-jump`; \(again(target))"
        case .counterRegressed:
            ledger.note(.counter(receipt.counter, of: target))
            return "the sink's counter is \(receipt.counter); ours is moved there; \(again(target))"
        case .timestampOutsideDrift where saturatingDifference(receipt.time, clock.unixTime()).magnitude <= 1:
            return
                "the packet was too old for the sink: made before the sink started, which knows no counter of ours, or long on "
                + "the way; \(again(target))"
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

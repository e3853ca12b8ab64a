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
        case .retried(let reason):
            say("\(target.address): \(reason)")
        case .silent(let sent):
            finishSilent(target, sent)
        case .receipt(let receipt, let sent) where receipt.status == .mixed:
            result.served += 1
            let next = serve(target)
            note(target, .mixed, "", sent) {
                $0.receipt()
                $0.served(next, now: clock.unixTime())
            }
            say("\(target.address): packet \(sent.counter) mixed, \(sent.size) bytes")
        case .receipt(let receipt, let sent):
            result.fail(.failed)
            let reason = refused(target, receipt, sent)
            note(target, .refused, reason, sent) { $0.receipt() }
            say("\(target.address): packet \(sent.counter) refused: \(reason)")
        case .foreign(let reason):
            fail(target, .foreign, reason, .unavailable)
        case .failed(let reason, let code):
            fail(target, .unreachable, reason, code)
        case .unprepared(let reason, let code):
            result.fail(code)
            note(target, .failed, reason, nil) { $0.next = saturatingSum(clock.unixTime(), settings.scan) }
            say("\(target.address): \(reason); next try at the next scan")
        }
    }

    /// The packet was taken, and no receipt came. A sink that gives receipts did not take it, then, whoever did. One that never
    /// gave one may be an original's; several in a row are a failure unless the list says that it is.
    private func finishSilent(_ target: Target, _ sent: Outgoing) {
        let memory = report.memory(of: target.identity)
        guard !(target.receipts ?? memory.givesReceipts) else {
            result.fail(.failed)
            let reason =
                "no receipt from a sink that \(target.receipts == true ? "gives" : "gave") them: \(Source.causes)"
            let text = again(target)
            note(target, .silent, reason, sent) { $0.unconfirmed += 1 }
            return say("\(target.address): packet \(sent.counter) not delivered: \(reason); \(text)")
        }
        let count = memory.unconfirmed < .max ? memory.unconfirmed + 1 : .max
        let isFailure = target.receipts == nil && count >= Source.mostUnconfirmed
        let next = serve(target)
        let reason =
            isFailure
            ? "\(count) packets in a row without a receipt: \(Source.causes), or an original sink, which gives none: then "
                + "\"Receipts\": false in its entry says so"
            : target.receipts == false
                ? "this sink gives no receipts, as the list says"
                : "the sink closed without a receipt (an original one does; or this key is not among its signers: its log says)"
        if isFailure { result.fail(.failed) } else { result.served += 1 }
        note(target, .unconfirmed, reason, sent) {
            if isFailure { $0.wrote(next) } else { $0.served(next, now: clock.unixTime()) }
            $0.unconfirmed = count
        }
        say("\(target.address): packet \(sent.counter) sent, \(sent.size) bytes, unconfirmed: \(reason)")
    }

    private static let causes =
        "this key is not among its signers, or its sealing key is not \"Public\" in our list, or another program answers there"
    /// Packets in a row without a receipt that a sink takes that never gave one.
    private static let mostUnconfirmed: Int64 = 3

    private func fail(_ target: Target, _ status: Report.Status, _ reason: String, _ code: ExitCode) {
        result.fail(code)
        let text = again(target)
        note(target, status, reason, nil) { _ in }
        say("\(target.address): \(reason); \(text)")
    }

    /// Notes when a target is due again, and returns the `Next` for it.
    private func serve(_ target: Target) -> Int64 {
        backOff.clear(target)
        let next = agenda.serve(target, again: schedule.spread(), now)
        ledger.note(.next(next, of: target))
        return next
    }

    private func again(_ target: Target) -> String {
        "next try in \(Span.words(backOff.fail(target, schedule, now: clock.milliseconds())))"
    }

    /// Notes the delivery, and what is learned from it: `learn` comes last.
    private func note(
        _ target: Target, _ status: Report.Status, _ reason: String, _ sent: Outgoing?,
        learn: (inout Report.Memory) -> Void
    ) {
        let time = clock.unixTime()
        var memory = report.memory(of: target.identity)
        if let wait = backOff.wait(of: target, now: clock.milliseconds()) { memory.next = saturatingSum(time, wait) }
        memory.isSmall = delivery.segments.size(for: target.identity) != nil
        learn(&memory)
        report.note(
            Report.Entry(
                identity: target.identity, status: status, reason: reason,
                counter: sent?.counter ?? 0, bytes: Int64(sent?.size ?? 0), time: time, memory: memory))
    }

    /// Why a sink refused, and what is done about it.
    private func refused(_ target: Target, _ receipt: Receipt, _ sent: Outgoing) -> String {
        switch receipt.status {
        case .mixed: return "no reason"
        case .counterRegressed where receipt.counter < sent.counter:
            return
                "the sink's counter is \(receipt.counter), too far below ours (its CounterJump): if ours is right, its operator "
                + "raises Counter there; \(again(target))"
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

extension Report.Memory {
    /// A receipt came, whatever it says.
    fileprivate mutating func receipt() {
        givesReceipts = true
        unconfirmed = 0
    }

    /// `Next` in the list is written.
    fileprivate mutating func wrote(_ next: Int64) {
        written = next
        self.next = next
    }

    fileprivate mutating func served(_ next: Int64, now: Int64) {
        served = now
        wrote(next)
    }
}

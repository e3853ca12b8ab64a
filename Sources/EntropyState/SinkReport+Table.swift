import EntropyPacket
import Platform

// For a person.
extension SinkReport {
    /// Whether the sink runs and how old this is, a heading, and a line for each signer, all as they are at the time `now`.
    /// `isRunning` is nil where that cannot be seen.
    public func lines(now: Int64, isRunning: Bool?) -> [String] {
        let written = saturatingDifference(now, self.written)
        var lines: [String]
        switch isRunning {
        case true?: lines = ["running for \(saturatingDifference(now, started)) s; written \(written) s ago"]
        case false?: lines = ["not running; written \(written) s ago"]
        case nil: lines = ["written \(written) s ago; whether the sink still runs is not for this user to see"]
        }
        if written < 0 || signers.contains(where: { $0.lastMixed ?? .min > now }) {
            lines.append("the clock was set back since then: ages are too small")
        }
        let heading = ["signer", "counter", "mixed", "age", "refused"]
        return lines + TextTable.lines([heading] + signers.map { row($0, now) })
    }

    private func row(_ signer: Signer, _ now: Int64) -> [String] {
        var reasons = ""
        for reason in Refusal.allCases where signer.refused[reason.rawValue] > 0 {
            reasons += "\(reasons.isEmpty ? "" : ", ")\(reason.name) \(signer.refused[reason.rawValue])"
        }
        return [
            String(decoding: signer.fingerprint.utf8.prefix(8), as: UTF8.self), String(signer.counter),
            String(signer.mixed), age(signer, now), reasons.isEmpty ? "-" : reasons,
        ]
    }

    private func age(_ signer: Signer, _ now: Int64) -> String {
        guard let last = signer.lastMixed else {
            let isMissed = maximumAge > 0 && saturatingDifference(now, started) >= maximumAge
            return isMissed ? "never, above \(maximumAge)" : "never"
        }
        let age = saturatingDifference(now, last)
        return maximumAge > 0 && age >= maximumAge ? "\(age), above \(maximumAge)" : String(age)
    }

    /// For a monitor: whether a packet of every signer was mixed within so many seconds. A sink that does not run is a warning: what it
    /// mixed is fresh still.
    public func check(age limit: Int64, now: Int64, isRunning: Bool?) -> (state: MonitorState, text: String) {
        guard !signers.isEmpty else { return (.unknown, "no signer is listed") }
        let number = signers.count == 1 ? "1 signer" : "\(signers.count) signers"
        var late: [String] = []
        var oldest: Int64 = 0
        for signer in signers {
            let age = signer.lastMixed.map { saturatingDifference(now, $0) }
            oldest = max(oldest, age ?? 0)
            // The clock may be a little behind the one of before.
            if let age, (-SinkReport.clockDifference...limit).contains(age) { continue }
            let label = String(decoding: signer.fingerprint.utf8.prefix(8), as: UTF8.self)
            late.append("\(label) (\(age.map { "\($0) s ago" } ?? "never"))")
        }
        guard late.isEmpty else {
            var names = late[0]
            for name in late[1...].prefix(2) { names += ", \(name)" }
            return (
                .critical,
                "no packet of \(late.count) of \(number) was mixed within \(limit) s: \(names)\(late.count > 3 ? ", ..." : "")"
            )
        }
        if isRunning == false {
            return (.warning, "entropy-sink is not running; \(number), the oldest packet \(oldest) s ago")
        }
        return (.ok, "\(number), the oldest packet \(oldest) s ago")
    }

    private static let clockDifference: Int64 = 60
}

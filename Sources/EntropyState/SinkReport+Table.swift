import EntropyPacket

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
}

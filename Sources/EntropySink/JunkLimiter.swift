/// Lets one line a second through of all that anyone at all can cause, from however many addresses, so that nobody can fill
/// the log; the rest is counted. A line about a known signer's packet, which may be a recording but may be what an operator
/// looks for, is not lost among the strangers': the last one that was held back comes before any of theirs.
struct JunkLimiter {
    enum Origin: Sendable {
        /// It could not be authenticated.
        case stranger
        /// A packet that a known signer made, though perhaps someone else sent it.
        case signer
    }

    private static let interval: Int64 = 1000

    private var last: Int64 = .min
    private var held: String?
    private var strangers = 0
    private var signers = 0

    /// What shall be logged now; nil where nothing shall.
    mutating func admit(_ origin: Origin, _ line: String, now: Int64) -> String? {
        if last != .min, now - last < JunkLimiter.interval {
            hold(origin, line)
            return nil
        }
        guard origin == .stranger, let held else { return emit(line, now) }
        self.held = nil
        signers -= 1
        strangers += 1
        return emit(held, now)
    }

    /// The last line about a known signer's packet that was held back, once there is room for it.
    mutating func flush(now: Int64) -> String? {
        guard let held, now - last >= JunkLimiter.interval else { return nil }
        signers -= 1
        return emit(held, now)
    }

    private mutating func hold(_ origin: Origin, _ line: String) {
        switch origin {
        case .stranger: strangers += 1
        case .signer:
            signers += 1
            held = line
        }
    }

    private mutating func emit(_ line: String, _ now: Int64) -> String {
        defer { (last, held, strangers, signers) = (now, nil, 0, 0) }
        var counts = ""
        if signers > 0 { counts = "\(signers) more of known signers" }
        if strangers > 0 { counts += (counts.isEmpty ? "" : ", ") + "\(strangers) more of strangers" }
        return counts.isEmpty ? line : "\(line) (held back: \(counts))"
    }
}

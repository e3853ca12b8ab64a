import EntropyPacket
import EntropyState
import NIOConcurrencyHelpers
import Platform

/// What the sink knows of each signer: how long ago a packet of it was mixed, how many were, and what was refused. Ages are
/// counted by the monotonic clock; setting the wall clock makes no signer older.
///
/// Written by the receiver's thread, read by others.
final class Ledger: Sendable {
    /// A packet that was mixed, seen from the signer's one before.
    struct Gap: Sendable, Equatable {
        /// Seconds from the one before; nil where none is known.
        let seconds: Int64?
        /// The log said that they were missed.
        let wasMissed: Bool
    }

    /// What a report that was written does not know yet.
    enum News {
        case none
        /// What a recording of a packet can have caused, which anyone can send.
        case minor
        case major
    }

    private struct Entry {
        let fingerprint: String
        let label: String
        /// Milliseconds at which the sink began to take its packets, and the Unix time then.
        let listed: Int64
        let listedTime: Int64
        /// False until a packet was stored, where nobody knows which were mixed before the sink began to take them.
        var isCounterKnown: Bool
        /// Milliseconds of the last mixed packet; nil where there was none since the start.
        var lastMixed: Int64?
        /// Its Unix time, which a restart does not take away; nil for never.
        var lastTime: Int64?
        var counter: Int64
        var mixed: Int64 = 0
        var refused = SinkReport.Refusal.allCases.map { _ in Int64(0) }
        /// Milliseconds of the last warning; nil while none is due.
        var warned: Int64?

        init(_ signer: KnownSigner, _ now: Int64, _ unix: Int64, lastTime: Int64?) {
            fingerprint = signer.key.fingerprint
            label = signer.label
            counter = signer.counter
            isCounterKnown = signer.isCounterKnown
            listed = now
            listedTime = unix
            self.lastTime = lastTime
        }

        /// Seconds since the last mixed packet, or since the sink began to wait for the first.
        func age(_ now: Int64) -> Int64 { max(0, now - (lastMixed ?? listed)) / 1000 }

        /// The Unix time at which the sink began to take its packets, by the wall clock of now: it may have been set since.
        func beginning(_ now: Int64, _ unix: Int64) -> Int64 {
            let passed = max(0, now - listed)
            let difference = saturatingDifference(unix, saturatingSum(listedTime, passed / 1000))
            if (-1...1).contains(difference) { return listedTime }
            // Rounded up: a packet of the same second is not older.
            return saturatingDifference(unix, (passed + 999) / 1000)
        }
    }

    private struct State {
        var entries: [Entry] = []
        /// Unix times of the last packets of those who are not listed now and may be again, by fingerprint.
        var former: [String: Int64] = [:]
        var maximumAge: Int64 = 0
        var news = News.major
    }

    /// Milliseconds from one warning about a signer to the next.
    private static let warningInterval: Int64 = 86_400_000

    private let clock: Clock
    /// Milliseconds.
    private let started: Int64
    private let state = NIOLockedValueBox(State())

    init(_ signers: [KnownSigner], maximumAge: Int64, clock: Clock) {
        self.clock = clock
        started = clock.milliseconds()
        configure(signers, maximumAge: maximumAge)
    }

    /// Who is listed from now on, in the order in which the others' methods number them. Nobody who stays becomes younger, and
    /// nobody who is gone is missed.
    func configure(_ signers: [KnownSigner], maximumAge: Int64) {
        let (now, unix) = (clock.milliseconds(), clock.unixTime())
        state.withLockedValue { state in
            let before = state.entries
            for entry in before { state.former[entry.fingerprint] = entry.lastTime }
            state.maximumAge = maximumAge
            state.news = .major
            state.entries = signers.map { signer in
                let fingerprint = signer.key.fingerprint
                var entry =
                    before.first { $0.fingerprint == fingerprint }
                    ?? Entry(signer, now, unix, lastTime: state.former[fingerprint])
                entry.counter = signer.counter
                if maximumAge == 0 || entry.age(now) < maximumAge { entry.warned = nil }
                return entry
            }
        }
    }

    /// The Unix time before which a packet of this signer may be a recording that was mixed already: the time at which the sink
    /// began to take its packets, where no counter is known. Nil where one is.
    func beginning(_ signer: Int) -> Int64? {
        let (now, unix) = (clock.milliseconds(), clock.unixTime())
        return state.withLockedValue { state in
            let entry = state.entries[signer]
            return entry.isCounterKnown ? nil : entry.beginning(now, unix)
        }
    }

    /// The counter of this signer is on the medium.
    func know(_ signer: Int) { state.withLockedValue { $0.entries[signer].isCounterKnown = true } }

    /// A line for each signer whose counter is not known, for the start and for a new configuration.
    func unknown() -> [String] {
        state.withLockedValue { state in
            state.entries.filter { !$0.isCounterKnown }.map { entry in
                "no counter of signer \(entry.label) is known (it is new, or the file with its counter was lost): its packets "
                    + "from before now are refused until one is mixed"
            }
        }
    }

    /// A packet of this signer was mixed.
    func mixed(_ signer: Int) -> Gap {
        let (now, unix) = (clock.milliseconds(), clock.unixTime())
        return state.withLockedValue { state in
            let entry = state.entries[signer]
            state.news = .major
            state.entries[signer].mixed += 1
            state.entries[signer].lastMixed = now
            state.entries[signer].lastTime = unix
            state.entries[signer].warned = nil
            return Gap(seconds: gap(entry, now, unix), wasMissed: entry.warned != nil)
        }
    }

    private func gap(_ entry: Entry, _ now: Int64, _ unix: Int64) -> Int64? {
        if entry.lastMixed != nil { return entry.age(now) }
        // From before this start: by the wall clock, where that can be true.
        guard let last = entry.lastTime, last <= unix else { return nil }
        return saturatingDifference(unix, last)
    }

    /// A packet of this signer was not mixed.
    func refused(_ signer: Int, _ reason: SinkReport.Refusal) {
        state.withLockedValue { state in
            state.entries[signer].refused[reason.rawValue] += 1
            switch reason {
            case .storage, .chunk, .pool: state.news = .major
            case .recipient, .drift, .counter: if state.news == .none { state.news = .minor }
            }
        }
    }

    /// The counters as they are now.
    func note(_ signers: [KnownSigner]) {
        state.withLockedValue { state in
            for (place, signer) in signers.enumerated() where state.entries[place].counter != signer.counter {
                state.entries[place].counter = signer.counter
                // The report may have been written since the packet was counted, with the counter of before.
                if state.news == .none { state.news = .minor }
            }
        }
    }

    /// A line for each signer of whom nothing was mixed for longer than the configuration allows: when that time has passed,
    /// and once a day after that. To be called every few seconds.
    func overdue() -> [String] {
        let now = clock.milliseconds()
        return state.withLockedValue { state in
            var lines: [String] = []
            for place in state.entries.indices {
                let entry = state.entries[place]
                guard state.maximumAge > 0, entry.age(now) >= state.maximumAge,
                    entry.warned.map({ now - $0 >= Ledger.warningInterval }) ?? true
                else { continue }
                state.entries[place].warned = now
                let since = entry.lastMixed == nil ? ", not one since the sink took it up" : ""
                lines.append(
                    "no packet of signer \(entry.label) was mixed for \(entry.age(now)) s\(since) (MaximumAge "
                        + "\(state.maximumAge)): is its source running, is its clock right, and what is said of its packets "
                        + "above?")
            }
            return lines
        }
    }

    /// How soon it is to be written down.
    var news: News { state.withLockedValue { $0.news } }

    /// Takes over what an earlier sink knew, where nothing is known yet. Returns a line for each signer whose counter was greater
    /// then: the file with the counters is an older copy.
    @discardableResult func recall(_ earlier: SinkReport) -> [String] {
        state.withLockedValue { state in
            var lines: [String] = []
            for signer in earlier.signers where state.former[signer.fingerprint] == nil {
                state.former[signer.fingerprint] = signer.lastMixed
            }
            for place in state.entries.indices where state.entries[place].lastTime == nil {
                state.entries[place].lastTime = state.former[state.entries[place].fingerprint]
            }
            for place in state.entries.indices where state.entries[place].isCounterKnown {
                let entry = state.entries[place]
                guard let signer = earlier.signers.first(where: { $0.fingerprint == entry.fingerprint }),
                    signer.counter > entry.counter
                else { continue }
                state.entries[place].isCounterKnown = false
                lines.append(
                    "the counter of signer \(entry.label) is \(entry.counter), and was \(signer.counter) before the start "
                        + "(the file with its counter is an older copy): its packets from before the start are refused until "
                        + "one is mixed")
            }
            return lines
        }
    }

    /// All that is known, for a file that is about to be written: nothing is new then.
    func report() -> SinkReport {
        let (now, unix) = (clock.milliseconds(), clock.unixTime())
        return state.withLockedValue { state in
            state.news = .none
            return SinkReport(
                // Right also where the wall clock was not, at the start.
                started: saturatingDifference(unix, (now - started) / 1000), written: unix,
                maximumAge: state.maximumAge,
                signers: state.entries.map {
                    SinkReport.Signer(
                        fingerprint: $0.fingerprint, counter: $0.counter, mixed: $0.mixed, lastMixed: $0.lastTime,
                        refused: $0.refused)
                })
        }
    }

    /// It could not be written after all.
    func notWritten() { state.withLockedValue { $0.news = .major } }
}

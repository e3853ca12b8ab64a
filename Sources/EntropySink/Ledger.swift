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

    private struct Entry {
        let fingerprint: String
        let label: String
        /// Milliseconds at which the sink began to take its packets.
        let listed: Int64
        /// Milliseconds of the last mixed packet; nil where there was none since the start.
        var lastMixed: Int64?
        /// Milliseconds of the last warning; nil while none is due.
        var warned: Int64?

        init(_ signer: KnownSigner, _ now: Int64) {
            fingerprint = signer.key.fingerprint
            label = signer.label
            listed = now
        }

        /// Seconds since the last mixed packet, or since the sink began to wait for the first.
        func age(_ now: Int64) -> Int64 { max(0, now - (lastMixed ?? listed)) / 1000 }
    }

    private struct State {
        var entries: [Entry] = []
        var maximumAge: Int64 = 0
    }

    /// Milliseconds from one warning about a signer to the next.
    private static let warningInterval: Int64 = 86_400_000

    private let clock: Clock
    private let state = NIOLockedValueBox(State())

    init(_ signers: [KnownSigner], maximumAge: Int64, clock: Clock) {
        self.clock = clock
        configure(signers, maximumAge: maximumAge)
    }

    /// Who is listed from now on, in the order in which the others' methods number them. Nobody who stays becomes younger, and
    /// nobody who is gone is missed.
    func configure(_ signers: [KnownSigner], maximumAge: Int64) {
        let now = clock.milliseconds()
        state.withLockedValue { state in
            let before = state.entries
            state.maximumAge = maximumAge
            state.entries = signers.map { signer in
                var entry = before.first { $0.fingerprint == signer.key.fingerprint } ?? Entry(signer, now)
                if maximumAge == 0 || entry.age(now) < maximumAge { entry.warned = nil }
                return entry
            }
        }
    }

    /// A packet of this signer was mixed.
    func mixed(_ signer: Int) -> Gap {
        let now = clock.milliseconds()
        return state.withLockedValue { state in
            let entry = state.entries[signer]
            state.entries[signer].lastMixed = now
            state.entries[signer].warned = nil
            return Gap(seconds: entry.lastMixed == nil ? nil : entry.age(now), wasMissed: entry.warned != nil)
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
}

import EntropyPacket
import EntropyState
import NIOConcurrencyHelpers
import Platform

/// The networks from which packets of known signers were taken within the last thirty days. The status file carries them over
/// a restart. Nobody comes onto this list by junk, nor by a recording: it takes a packet that was taken.
final class KnownSources: Sendable {
    /// Seconds.
    private static let maximumAge: Int64 = 30 * 86400

    private let clock: Clock
    /// Unix times of the last packets.
    private let times = NIOLockedValueBox<[AddressPrefix: Int64]>([:])

    init(clock: Clock) { self.clock = clock }

    func contains(_ network: AddressPrefix) -> Bool {
        let now = clock.unixTime()
        return times.withLockedValue { times in times[network].map { isRecent($0, now) } ?? false }
    }

    /// A packet from there was taken. Where the list is full, the one that was silent longest is forgotten.
    func note(_ network: AddressPrefix) {
        let now = clock.unixTime()
        times.withLockedValue { times in
            if times[network] == nil, times.count >= SinkReport.maximumSources,
                let oldest = times.min(by: { $0.value < $1.value })
            {
                times[oldest.key] = nil
            }
            times[network] = now
        }
    }

    /// Takes over what an earlier sink knew.
    func recall(_ earlier: [SinkReport.Source]) {
        let now = clock.unixTime()
        times.withLockedValue { times in
            for source in earlier where times.count < SinkReport.maximumSources {
                // A time from the future counts: it may be this clock that is not set yet.
                guard let network = AddressPrefix(source.network), times[network] == nil,
                    isRecent(source.lastTaken, now)
                else { continue }
                times[network] = source.lastTaken
            }
        }
    }

    /// The newest first.
    var all: [SinkReport.Source] {
        let now = clock.unixTime()
        return times.withLockedValue { $0 }
            .filter { isRecent($0.value, now) }
            .sorted { $0.value > $1.value }
            .map { SinkReport.Source(network: $0.key.text, lastTaken: $0.value) }
    }

    private func isRecent(_ time: Int64, _ now: Int64) -> Bool {
        saturatingDifference(now, time) < KnownSources.maximumAge
    }
}

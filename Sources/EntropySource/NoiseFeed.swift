import EntropyCrypto
import Fortuna

/// Carries what the noise sources give into Fortuna's pools.
struct NoiseFeed {
    private let sources: [any NoiseSource]
    private let accumulator: Accumulator

    /// Bytes of one event: as many as an event may have.
    private static let eventSize = 32

    init(_ sources: [any NoiseSource], into accumulator: Accumulator) {
        precondition((1...255).contains(sources.count), "Fortuna numbers its sources by one byte")
        self.sources = sources
        self.accumulator = accumulator
    }

    /// One event of every source in every pool, or as many as the next reseed needs, so that no source alone decides. A
    /// source that fails is reported and passed over; the last failure is thrown when all of them fail.
    func fill(report: (String) -> Void) throws(NoiseError) {
        var failed = sources.map { _ in false }
        repeat {
            var last: NoiseError?
            for (number, source) in sources.enumerated() where !failed[number] {
                do throws(NoiseError) {
                    try fill(from: source, number: UInt8(number))
                } catch {
                    report("\(source.name): \(error.message)")
                    failed[number] = true
                    last = error
                }
            }
            if let last, failed.allSatisfy({ $0 }) { throw last }
        } while !accumulator.canReseed
    }

    private func fill(from source: any NoiseSource, number: UInt8) throws(NoiseError) {
        var noise = try source.gather(Accumulator.poolCount * NoiseFeed.eventSize)
        defer { wipe(&noise) }
        for pool in 0..<Accumulator.poolCount {
            var event = Array(noise[(pool * NoiseFeed.eventSize)..<((pool + 1) * NoiseFeed.eventSize)])
            accumulator.addEvent(source: number, pool: pool, data: event)
            wipe(&event)
        }
    }
}

import EntropyCrypto
import Fortuna
import Health
import Platform

/// One noise source and what is known of it: its health, and the pool that its next event goes to.
final class NoiseInlet {
    let source: any NoiseSource
    private let number: UInt8
    private var pool = 0
    private var monitor: HealthMonitor
    private let clock: Clock
    /// Not asked before: it is slow.
    private var restsUntil: Int64 = .min
    /// Why it gives nothing at present.
    private(set) var trouble: NoiseError?
    /// Bytes that went into the pools, and failures of health tests.
    private(set) var bytes: Int64 = 0
    private(set) var failures: Int64 = 0

    /// Milliseconds that a request may take before it has a rest after it, and how many times as long that is: whatever is slow,
    /// or hangs, takes a tenth of the program's time at the most.
    private static let patience: Int64 = 500
    private static let restFactor: Int64 = 10

    init(_ source: any NoiseSource, number: UInt8, clock: Clock) {
        self.source = source
        self.number = number
        self.clock = clock
        monitor = HealthMonitor(entropy: source.kind.entropy)
    }

    var isHealthy: Bool { monitor.status == .healthy && trouble == nil }
    var isGivenUp: Bool { monitor.status == .permanent }

    var status: NoiseStatus {
        if isGivenUp { return .givenUp }
        if trouble != nil { return monitor.status == .intermittent ? .failed : .unavailable }
        return monitor.status == .healthy ? .healthy : .starting
    }

    /// Takes up to `count` bytes from the source into the pools, in turn, if they pass the health tests. Says when it fails,
    /// and when it is back. Returns how many bytes went into the pools: none from one that rests, unless it is `urgent` and the
    /// source is healthy.
    func draw(_ count: Int, into accumulator: Accumulator, urgent: Bool, report: (String) -> Void) -> Int {
        let start = clock.milliseconds()
        guard !isGivenUp, start >= restsUntil || urgent && isHealthy else { return 0 }
        defer {
            let now = clock.milliseconds()
            if now - start >= NoiseInlet.patience { restsUntil = now + NoiseInlet.restFactor * (now - start) }
        }
        var noise: [UInt8]
        do throws(NoiseError) {
            noise = try source.gather(count)
        } catch {
            // The same trouble, minute after minute, is news only once.
            if !(trouble.map { Text.areEqual($0.message, error.message) } ?? false) { report(named(error)) }
            trouble = error
            monitor.restart()
            return 0
        }
        defer { wipe(&noise) }
        if let failure = monitor.add(noise) {
            failures += 1
            let error = NoiseError(.unavailable, failure.message)
            let next =
                isGivenUp
                ? "it failed \(HealthMonitor.permanentFailures) times in a row and stays off until this program is started anew"
                : "it stays off until it passes its start-up test"
            let state = monitor.failures == 1 ? "switched off" : "still off"
            report("\(source.name): \(state): \(failure.message); \(next)")
            trouble = error
            return 0
        }
        guard monitor.status == .healthy || source.kind.isPaced && monitor.status == .untested else { return 0 }
        if trouble != nil { report("\(source.name): healthy again") }
        trouble = nil
        add(noise, to: accumulator)
        return noise.count
    }

    /// Why it gives nothing, with its name before it, unless that stands there already.
    var explanation: String { trouble.map { named($0) } ?? "\(source.name): not tested yet" }

    private func named(_ error: NoiseError) -> String {
        Text.begins(error.message, with: source.name) ? error.message : "\(source.name): \(error.message)"
    }

    private func add(_ noise: [UInt8], to accumulator: Accumulator) {
        for start in stride(from: 0, to: noise.count, by: Accumulator.eventSizes.upperBound) {
            var event = Array(noise[start..<min(start + Accumulator.eventSizes.upperBound, noise.count)])
            accumulator.addEvent(source: number, pool: pool, data: event)
            pool = (pool + 1) % Accumulator.poolCount
            wipe(&event)
        }
        bytes += Int64(noise.count)
    }
}

/// Where a noise source stands, for the report.
enum NoiseStatus: Int, Sendable, CaseIterable {
    case healthy
    /// Not yet through its start-up test.
    case starting
    /// It gives nothing.
    case unavailable
    /// A health test tripped.
    case failed
    /// Health tests tripped again and again.
    case givenUp

    var word: StaticString {
        switch self {
        case .healthy: "healthy"
        case .starting: "starting"
        case .unavailable: "unavailable"
        case .failed: "failed"
        case .givenUp: "given up"
        }
    }
}

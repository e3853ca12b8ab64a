import EntropyCrypto
import EntropyPacket
import EntropyState
import Fortuna
import Platform

/// The program that sends entropy: scans its list of targets and serves those whose time has come.
public final class Source {
    /// What the options say.
    public struct Settings: Sendable {
        public let targets: String
        public let seed: String
        /// Seconds from one packet for a target to the next, and from one scan to the next.
        public let interval: Int64
        public let scan: Int64
        /// Unix time before which the clock cannot be right.
        public let earliest: Int64
        /// Where a running source writes what became of its deliveries; nil for nowhere.
        public let report: String?
        /// Believe a sink whose counter is far above ours.
        public let acceptsCounterJump: Bool

        public init(
            targets: String, seed: String, interval: Int64, scan: Int64, earliest: Int64, report: String? = nil,
            acceptsCounterJump: Bool = false
        ) {
            self.targets = targets
            self.seed = seed
            self.interval = interval
            self.scan = scan
            self.earliest = earliest
            self.report = report
            self.acceptsCounterJump = acceptsCounterJump
        }
    }

    /// How a scan went.
    public struct ScanResult: Sendable {
        public var served = 0
        public var failed = 0
        /// The code of the first failure.
        public var exitCode = ExitCode.done

        mutating func fail(_ code: ExitCode) {
            failed += 1
            if exitCode == .done { exitCode = code }
        }
    }

    let settings: Settings
    let list: TargetList
    private let seed: SeedFile
    private let accumulator: Accumulator
    private let feed: NoiseFeed
    private let maker: PacketMaker
    private let delivery: Delivery
    let schedule: Schedule
    let clock: Clock
    private let termination: Termination
    let say: (String) -> Void
    private var seedWritten: Int64
    private var mentioned: [Target] = []
    var backOff = BackOff()
    /// What became of each target's last delivery.
    public internal(set) var report = Report()

    /// Milliseconds between two rewritings of the seed file.
    private static let seedInterval: Int64 = 600_000
    /// How far a sink may have our counter jump without being asked for. Far above what an old backup lacks, and so little
    /// of 2⁶³ that a hostile sink would need decades of scans to use its counter up.
    static let counterJump: Int64 = 1 << 40

    /// Fills the pools and exchanges the seed file, so that output may be given. Fails where that cannot be done, or where
    /// the list of targets is not usable: there is no earlier one to go on with.
    public init(
        _ settings: Settings, signer: any Signer, noise: [any NoiseSource], clock: Clock, termination: Termination,
        random: @escaping () -> UInt64 = SystemRandom.number, say: @escaping (String) -> Void
    ) throws(SourceError) {
        self.settings = settings
        self.clock = clock
        self.termination = termination
        self.say = say
        list = TargetList(settings.targets)
        seed = SeedFile(settings.seed)
        accumulator = Accumulator(clock: clock)
        feed = NoiseFeed(noise, into: accumulator)
        maker = PacketMaker(list: list, signer: signer, accumulator: accumulator, clock: clock)
        delivery = try Delivery(clock: clock)
        schedule = Schedule(interval: settings.interval, scan: settings.scan, random: random)
        seedWritten = clock.milliseconds()
        do throws(StateError) { _ = try list.load() } catch { throw .state(error) }
        do throws(NoiseError) { try feed.fill(report: say) } catch { throw .noise(error) }
        do throws(FortunaError) {
            let found = try seed.mix(into: accumulator, warn: say)
            if case .nothing = found { say("\(settings.seed): no seed from an earlier run; a new one was written") }
        } catch {
            throw .fortuna(error)
        }
    }

    /// Scans until the process is asked to end, then writes the seed a last time.
    public func run() throws(SourceError) {
        while true {
            let started = clock.milliseconds()
            do throws(SourceError) {
                let result = try scan()
                if result.served + result.failed > 0 { writeReport() }
            } catch { say(error.message) }
            if wait(since: started) { break }
        }
        try finish()
    }

    /// Writes the seed: the last thing a source does.
    public func finish() throws(SourceError) {
        do throws(FortunaError) { try seed.rewrite(from: accumulator) } catch { throw .fortuna(error) }
    }

    /// Serves every target that is due. The list is read anew: with a bad one nothing is sent, since no counter could be
    /// stored in it.
    public func scan() throws(SourceError) -> ScanResult {
        defer { keepSeedYoung() }
        var result = ScanResult()
        let due = try dueTargets()
        if !due.isEmpty { try refill() }
        delivery.serve(due, until: termination, prepare: maker.prepare) { target, outcome in
            self.finish(target, outcome, &result)
        }
        return result
    }

    private func dueTargets() throws(SourceError) -> [Target] {
        let now = clock.unixTime()
        guard now >= settings.earliest else { throw .clockNotSet(now) }
        do throws(StateError) {
            let targets = try list.load()
            mentionDistant(targets, now)
            backOff.keep(targets)
            report.keep(targets)
            let milliseconds = clock.milliseconds()
            return targets.filter { $0.next <= now && backOff.isDue($0, now: milliseconds) }
        } catch {
            throw .state(error)
        }
    }

    /// A clock that was wrong for a while may have put a target's next packet years away. Its operator may mean it: it is
    /// said once.
    private func mentionDistant(_ targets: [Target], _ now: Int64) {
        let distant = targets.filter { $0.next > saturatingSum(now, schedule.longest) }
        for target in distant where !mentioned.contains(where: { $0.isSameEntry(as: target) && $0.next == target.next })
        {
            say("\(target.address): not before \(target.next) (Unix time), which is more than one interval away")
        }
        mentioned = distant
    }

    private func refill() throws(SourceError) {
        do throws(NoiseError) { try feed.fill(report: say) } catch { throw .noise(error) }
    }

    /// Waits for the next scan and keeps the seed file young. Returns true when the process shall end.
    private func wait(since started: Int64) -> Bool {
        let (milliseconds, overflow) = settings.scan.multipliedReportingOverflow(by: 1000)
        let wake = saturatingSum(started, overflow ? .max : milliseconds)
        while true {
            keepSeedYoung()
            let now = clock.milliseconds()
            let left = min(wake - now, seedWritten + Source.seedInterval - now)
            if termination.wait(milliseconds: max(0, left)) { return true }
            if clock.milliseconds() >= wake { return false }
        }
    }

    func keepSeedYoung() {
        let now = clock.milliseconds()
        guard now - seedWritten >= Source.seedInterval else { return }
        seedWritten = now
        do throws(FortunaError) {
            try seed.rewrite(from: accumulator)
        } catch {
            say("\(error.message); trying again in ten minutes")
        }
    }

    private func writeReport() {
        guard let path = settings.report else { return }
        do throws(StateError) { try report.write(to: path) } catch { say(error.message) }
    }
}

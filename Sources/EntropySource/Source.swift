import EntropyCrypto
import EntropyPacket
import EntropyState
import Fortuna
import Platform

/// The program that sends entropy: scans its list of targets and serves those whose time has come.
public final class Source {
    /// How deliveries went.
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
    let ledger: TargetLedger
    private let seed: SeedFile
    private let accumulator: Accumulator
    let feed: NoiseFeed
    private let maker: PacketMaker
    let delivery: Delivery
    let schedule: Schedule
    let clock: Clock
    private let termination: Termination
    let say: (String) -> Void
    private var clockWatch: ClockWatch
    /// The wall clock jumped, and `Next` in the list was written before that.
    private var isNextStale = false
    private var seedWritten: Int64
    var reportWritten: Int64 = .min
    /// The `Next` of those whose next packet is said to be far away.
    private var mentioned: [Target.Identity: Int64] = [:]
    var agenda = Agenda()
    var backOff = BackOff()
    var result = ScanResult()
    /// What became of each target's last delivery.
    public internal(set) var report = Report()
    var isReportNew = false
    /// The first look at the list comes at once after the pools were filled: they need not be filled twice for it.
    private var isFirstLook = true
    var reportPlace = ReportPlace.unseen
    /// Held while this runs on and on.
    var reportLock: FileLock?
    /// When it began to, in milliseconds of the monotonic clock.
    var runningSince: Int64?

    /// Milliseconds between two rewritings of the seed file.
    private static let seedInterval: Int64 = 600_000
    /// Milliseconds between two signs of life to whoever waits for deliveries.
    private static let signInterval: Int64 = 15_000
    /// Milliseconds after which the filling of the start is not a new one any more.
    private static let fillingLife: Int64 = 10_000
    /// How far a sink may have our counter jump without being asked for. Far above what an old backup lacks, and so little
    /// of 2⁶³ that a hostile sink would need decades of scans to use its counter up.
    static let counterJump: Int64 = 1 << 40

    /// Tests itself, fills the pools from each source and exchanges the seed file, so that output may be given. Fails where that
    /// cannot be done, or where the list of targets is not usable: there is no earlier one to go on with. `arrivals`, one of
    /// the sources or nil, is told when something arrives.
    public init(
        _ settings: Settings, signer: any Signer, noise: [any NoiseSource], arrivals: ArrivalNoise? = nil, clock: Clock,
        termination: Termination, random: @escaping () -> UInt64 = SystemRandom.number, say: @escaping (String) -> Void
    ) throws(SourceError) {
        do throws(FortunaError) { try SelfTest.run() } catch { throw .fortuna(error) }
        self.settings = settings
        self.clock = clock
        self.termination = termination
        self.say = say
        ledger = TargetLedger(TargetList(settings.targets), clock: clock)
        seed = SeedFile(settings.seed, identity: settings.identity)
        accumulator = Accumulator(clock: clock)
        feed = NoiseFeed(noise, into: accumulator, clock: clock, isSoftwareEnough: settings.isSoftwareEnough)
        maker = PacketMaker(ledger: ledger, signer: signer, accumulator: accumulator, clock: clock)
        delivery = try Delivery(
            clock: clock, parallel: settings.parallel, proxy: settings.proxy,
            isFastOpenWanted: settings.isFastOpenWanted, arrivals: arrivals)
        clockWatch = ClockWatch(clock, earliest: settings.earliest)
        schedule = Schedule(interval: settings.interval, scan: settings.scan, random: random)
        seedWritten = clock.milliseconds()
        do throws(StateError) {
            _ = try ledger.load()
            for line in try ledger.list.remarks() { say(line) }
        } catch {
            throw .state(error)
        }
        do throws(NoiseError) { try feed.fill(report: say) } catch { throw .noise(error) }
        do throws(FortunaError) {
            let found = try seed.mix(into: accumulator, warn: say)
            switch found {
            case .seed: break
            case .foreignSeed:
                say(
                    "\(settings.seed): not written by this machine's entropy-source: a copied card, or another program's; "
                        + "mixed, and counts for nothing")
            case .nothing: say("\(settings.seed): no seed from an earlier run; a new one was written")
            }
        } catch {
            throw .fortuna(error)
        }
        // Of the noise there is something to tell before the first delivery.
        isReportNew = true
        remember()
    }

    /// Looks at the list again and again, and serves those who are due, until the process is asked to end; then writes the
    /// seed a last time. What hangs does not hold up the next look. Fails when no noise source is left that could ever be
    /// trusted again.
    public func run() throws(SourceError) {
        var nextScan = clock.milliseconds()
        runningSince = nextScan
        claimReport()
        while true {
            let now = clock.milliseconds()
            if now >= nextScan, !isEnding {
                let (milliseconds, overflow) = settings.scan.multipliedReportingOverflow(by: 1000)
                nextScan = saturatingSum(now, overflow ? .max : milliseconds)
                do throws(SourceError) { try serveDueTargets() } catch { say(error.message) }
            }
            writeReport()
            // Once it is to end there is no next scan, only what is on its way.
            guard !isEnding || !delivery.isIdle else { break }
            advance(until: min(isEnding ? .max : nextScan, seedWritten + Source.seedInterval, nextPulse))
            writeNotes()
            ServiceManager.alive()
            keepSeedYoung()
        }
        ServiceManager.stopping()
        try finish()
        guard termination.isRequested else { return try requireTrust() }
    }

    /// When the service manager has to hear of it again: three times as often as it would give up.
    private var nextPulse: Int64 {
        settings.watchdog.map { saturatingSum(clock.milliseconds(), max(100, $0 / 3)) } ?? .max
    }

    private var isEnding: Bool { termination.isRequested || feed.isHopeless }

    /// Writes the seed: the last thing a source does.
    public func finish() throws(SourceError) {
        do throws(FortunaError) { try seed.rewrite(from: accumulator) } catch { throw .fortuna(error) }
    }

    /// Serves every target that is due, and returns when the last one of them is done with.
    public func scan() throws(SourceError) -> ScanResult {
        defer {
            keepSeedYoung()
            report.note(feed)
            if result.served + result.failed > 0 { writeReport() }
        }
        result = ScanResult()
        try serveDueTargets()
        var sign = clock.milliseconds() + Source.signInterval
        while !delivery.isIdle {
            advance(until: sign)
            writeNotes()
            keepSeedYoung()
            guard clock.milliseconds() >= sign, !delivery.isIdle else { continue }
            sign += Source.signInterval
            say("\(delivery.count) of the sinks that are due are not served yet; waiting for them")
        }
        return result
    }

    /// Begins to serve those who are due. The list is read anew: with a bad one nothing is sent, since no counter could be
    /// stored in it.
    private func serveDueTargets() throws(SourceError) {
        let isFirst = isFirstLook
        let isFilled = isFirst && feed.age < Source.fillingLife
        isFirstLook = false
        try requireClock()
        let due = try dueTargets(isFirst: isFirst)
        guard !due.isEmpty || feed.isDue else { return }
        if !isFilled { try refill() }
        delivery.add(due)
    }

    private func advance(until wake: Int64) {
        delivery.advance(until: min(wake, ledger.due ?? .max), termination, prepare: prepare) { ended in
            self.finish(ended)
        }
    }

    /// Writes down what was delivered, if it is time, and always when there is nothing left to do.
    private func writeNotes() {
        guard let due = ledger.due, delivery.isIdle || clock.milliseconds() >= due else { return }
        do throws(StateError) {
            try ledger.write()
            agenda.written()
        } catch {
            // This run knows it all the same; the next one will send a packet sooner than it need be.
            result.fail(error.exitCode)
            say("\(error.message); it does not say what was delivered last")
        }
    }

    /// A clock that jumps while a delivery is under way would date its packet wrongly.
    private func prepare(_ targets: [Target], upcoming: (Int) -> [Target], hand: (Int, Prepared) -> Void) {
        do throws(SourceError) {
            try requireClock()
            try requireTrust()
        } catch {
            for place in targets.indices { hand(place, .failed(error.message, error.exitCode)) }
            return
        }
        let writings = ledger.writings
        maker.prepare(targets, upcoming: upcoming, hand: hand)
        // What was to be noted was written with the numbers.
        if ledger.writings != writings { agenda.written() }
    }

    private func requireClock() throws(SourceError) {
        switch clockWatch.look() {
        case .good: break
        case .notSet(let now): throw .clockNotSet(now)
        case .jumped(let seconds):
            isNextStale = true
            throw .clockJumped(seconds)
        case .settling: throw .clockSettling
        }
    }

    var now: Agenda.Moment { Agenda.Moment(unix: clock.unixTime(), milliseconds: clock.milliseconds()) }

    /// Those who are due and not being served; who failed last comes last, and nobody is always the first of the others.
    private func dueTargets(isFirst: Bool) throws(SourceError) -> [Target] {
        do throws(StateError) {
            // What the list does not know yet would be compared with what it says.
            if ledger.hasNotes {
                try ledger.write()
                agenda.written()
            }
            var targets = try ledger.load()
            if isNextStale {
                for note in agenda.recompute(targets, now) {
                    ledger.note(note)
                    if let next = note.next { report.wrote(next, for: note.target.identity) }
                }
                try ledger.write()
                agenda.written()
                isNextStale = false
                targets = try ledger.load()
            }
            let known = Set(targets.map { $0.identity })
            backOff.keep(known)
            agenda.keep(known)
            if report.heed(targets, isFailing: { backOff.isFailing($0) || delivery.isServing($0) }) {
                isReportNew = true
            }
            let now = now
            mentionDistant(targets, now.unix)
            let isNow = isFirst && settings.isNow
            let due = targets.filter {
                (isNow || agenda.isDue($0, now) || isDistant($0, now.unix) && isOurs($0))
                    && backOff.isDue($0, now: now.milliseconds) && !delivery.isServing($0)
            }
            if !due.isEmpty { try ledger.claim() }
            if isFirst, due.isEmpty { mentionNext(targets, now.unix) }
            // Who was served before comes before those of whom nothing is known: a list may have hundreds that nobody can reach.
            let failing = due.filter { backOff.isFailing($0) }
            let others = due.filter { !backOff.isFailing($0) }
            return schedule.shuffled(others.filter { report.memory(of: $0.identity).served != nil })
                + schedule.shuffled(others.filter { report.memory(of: $0.identity).served == nil })
                + schedule.shuffled(failing)
        } catch {
            throw .state(error)
        }
    }

    /// True for a `Next` that this program cannot have written with a clock that was right.
    private func isDistant(_ target: Target, _ now: Int64) -> Bool {
        target.next > saturatingSum(now, schedule.longest) && !agenda.knows(target)
    }

    /// True for a `Next` as an earlier run wrote it, and not an operator.
    private func isOurs(_ target: Target) -> Bool { report.memory(of: target.identity).written == target.next }

    /// A clock that was wrong for a while may have put a target's next packet years away: then it does not hold. An operator's
    /// does. Either is said once.
    private func mentionDistant(_ targets: [Target], _ now: Int64) {
        let distant = targets.filter { isDistant($0, now) }
        for target in distant where mentioned[target.identity] != target.next {
            let away =
                "\(Span.words(saturatingDifference(target.next, now))) away, which is more than one interval away"
            say(
                isOurs(target)
                    ? "\(target.address): Next is \(away): it was written with a wrong clock, and does not hold"
                    : "\(target.address): Next is \(away): it holds, and nothing is sent before; to send now: remove it"
            )
        }
        mentioned = [:]
        for target in distant { mentioned[target.identity] = target.next }
    }

    /// Nobody is due at the start: when somebody will be.
    private func mentionNext(_ targets: [Target], _ now: Int64) {
        guard let first = targets.min(by: { $0.next < $1.next }) else {
            return say("no sink is due: the list is empty")
        }
        say(
            "no sink is due: the next packet, for \(first.address), in \(Span.words(saturatingDifference(first.next, now)))"
                + "; to send now: entropy-source --once --now")
    }

    private func refill() throws(SourceError) {
        isReportNew = true
        do throws(NoiseError) { try feed.fill(report: say) } catch { throw .noise(error) }
    }

    private func requireTrust() throws(SourceError) {
        do throws(NoiseError) { try feed.requireTrust() } catch { throw .noise(error) }
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
}

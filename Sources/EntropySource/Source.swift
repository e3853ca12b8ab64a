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

        public init(targets: String, seed: String, interval: Int64, scan: Int64, earliest: Int64) {
            self.targets = targets
            self.seed = seed
            self.interval = interval
            self.scan = scan
            self.earliest = earliest
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

    private let settings: Settings
    private let list: TargetList
    private let seed: SeedFile
    private let accumulator: Accumulator
    private let feed: NoiseFeed
    private let maker: PacketMaker
    private let delivery: Delivery
    private let clock: Clock
    private let termination: Termination
    private let say: (String) -> Void
    private var seedWritten: Int64
    private var mentioned: [Target] = []

    /// Milliseconds between two rewritings of the seed file.
    private static let seedInterval: Int64 = 600_000

    /// Fills the pools and exchanges the seed file, so that output may be given. Fails where that cannot be done, or where
    /// the list of targets is not usable: there is no earlier one to go on with.
    public init(
        _ settings: Settings, signer: any Signer, noise: [any NoiseSource], clock: Clock, termination: Termination,
        say: @escaping (String) -> Void
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
            do throws(SourceError) { _ = try scan() } catch { say(error.message) }
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
            return targets.filter { $0.next <= now }
        } catch {
            throw .state(error)
        }
    }

    /// A clock that was wrong for a while may have put a target's next packet years away. Its operator may mean it: it is
    /// said once.
    private func mentionDistant(_ targets: [Target], _ now: Int64) {
        let distant = targets.filter { $0.next > saturatingSum(now, settings.interval) }
        for target in distant where !mentioned.contains(where: { $0.isSameEntry(as: target) && $0.next == target.next })
        {
            say("\(target.address): not before \(target.next) (Unix time), which is more than one interval away")
        }
        mentioned = distant
    }

    private func refill() throws(SourceError) {
        do throws(NoiseError) { try feed.fill(report: say) } catch { throw .noise(error) }
    }

    private func finish(_ target: Target, _ outcome: Outcome, _ result: inout ScanResult) {
        keepSeedYoung()
        do throws(StateError) {
            switch outcome {
            case .withdrawn:
                say("\(target.address): no longer in the list; nothing was sent")
            case .unconfirmed(let sent):
                try schedule(target)
                result.served += 1
                say(
                    "\(target.address): packet \(sent.counter) sent, \(sent.size) bytes, unconfirmed: "
                        + "the sink closed without a receipt (an original one does; or this key is not among its "
                        + "signers: its log says)")
            case .receipt(let receipt, let sent) where receipt.status == .mixed:
                try schedule(target)
                result.served += 1
                say("\(target.address): packet \(sent.counter) mixed, \(sent.size) bytes")
            case .receipt(let receipt, let sent):
                result.fail(.failed)
                say("\(target.address): packet \(sent.counter) refused: \(reason(receipt, sent))")
                if receipt.status == .counterRegressed { try list.raiseCounter(of: target, to: receipt.counter) }
            case .failed(let reason, let code):
                result.fail(code)
                say("\(target.address): \(reason); next try at the next scan")
            }
        } catch {
            result.fail(error.exitCode)
            say(error.message)
        }
    }

    private func schedule(_ target: Target) throws(StateError) {
        try list.setNext(of: target, to: saturatingSum(clock.unixTime(), settings.interval))
    }

    private func reason(_ receipt: Receipt, _ sent: Outgoing) -> String {
        switch receipt.status {
        case .mixed: "no reason"
        case .counterRegressed where receipt.counter < sent.counter:
            "the sink says that its counter is \(receipt.counter), which is below the packet's"
        case .counterRegressed: "the sink's counter is \(receipt.counter); ours is moved there for the next scan"
        case .timestampOutsideDrift:
            "the sink's clock differs by \(saturatingDifference(receipt.time, clock.unixTime())) s, more than its Drift allows"
        case .wrongRecipient: "the sink takes no packet that does not name it: is its public key in our list?"
        case .notMixed: "the sink could not mix it; its log says why"
        }
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

    private func keepSeedYoung() {
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

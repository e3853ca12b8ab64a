import EntropyCrypto
import Foundation
import NIOCore
import Platform
import Support
import Testing

@testable import EntropySink
@testable import EntropyState

/// The file that a running sink writes, with both clocks in hand.
@Suite struct ReporterTests {
    let time = HandClock(unix: 1_800_000_000)
    let directory: TemporaryDirectory

    let sources: KnownSources

    init() throws {
        directory = try TemporaryDirectory()
        sources = KnownSources(clock: time.clock)
    }

    func ledger(_ numbers: [Int] = [0]) throws -> Ledger {
        Ledger(
            try numbers.map { KnownSigner(key: try LedgerTests.keys.get()[$0], counter: 7) }, maximumAge: 86400,
            clock: time.clock)
    }

    func reporter(_ ledger: Ledger, _ name: String = "status.json") -> Reporter {
        Reporter(directory.file(name), ledger, sources, clock: time.clock, log: time.log)
    }

    func read() throws -> SinkReport { try SinkReportFile(directory.file("status.json")).read() }

    @Test func itIsWrittenAtOnceAndThenEveryTenSecondsAtTheMost() throws {
        let ledger = try ledger()
        let reporter = reporter(ledger)
        reporter.start()
        #expect(try read().signers.first?.lastMixed == nil)
        time.pass(5)
        for _ in 0..<100 {
            _ = ledger.mixed(0)
            reporter.look()
        }
        reporter.wait()
        #expect(try read().signers.first?.mixed == 0)
        time.pass(5)
        reporter.look()
        reporter.wait()
        let report = try read()
        #expect(report.signers.first?.mixed == 100 && report.signers.first?.lastMixed == 1_800_000_005)
        #expect(report.started == 1_800_000_000 && report.written == 1_800_000_010)
        // Nothing new, nothing written.
        try directory.remove("status.json")
        time.pass(86400)
        reporter.look()
        reporter.wait()
        #expect(!FileManager.default.fileExists(atPath: directory.file("status.json")))
        #expect(time.lines == [])
    }

    /// Whoever sends recordings again has the disk written to once a minute at the most.
    @Test func whatAnyoneCanCauseIsWrittenSeldom() throws {
        let ledger = try ledger()
        let reporter = reporter(ledger)
        reporter.start()
        func counted(after seconds: Int64, _ reason: SinkReport.Refusal) throws -> Int64? {
            ledger.refused(0, reason)
            time.pass(seconds)
            reporter.look()
            reporter.wait()
            return try read().signers.first?.refused[reason.rawValue]
        }
        #expect(try counted(after: 10, .counter) == 0)
        #expect(try counted(after: 49, .drift) == 0)
        #expect(try counted(after: 1, .recipient) == 1)
        #expect(try read().signers.first?.refused == [1, 1, 1, 0, 0, 0])
        for reason in [.storage, .chunk, .pool] as [SinkReport.Refusal] {
            #expect(try counted(after: 10, reason) == 1)
        }
        // The other way round: what is urgent stays so.
        ledger.refused(0, .chunk)
        #expect(try counted(after: 10, .counter) == 2)
        // At the end everything is written.
        ledger.refused(0, .counter)
        reporter.finish()
        #expect(try read().signers.first?.refused[SinkReport.Refusal.counter.rawValue] == 3)
    }

    @Test func aRestartKeepsTheTimeOfThoseWhoAreListed() throws {
        do {
            let ledger = try ledger([0, 1])
            let reporter = reporter(ledger)
            reporter.start()
            _ = ledger.mixed(0)
            _ = ledger.mixed(1)
            #expect(SinkReportFile(directory.file("status.json")).isHeld == true)
            reporter.finish()
        }
        #expect(SinkReportFile(directory.file("status.json")).isHeld == false)
        time.pass(3600)
        let ledger = try ledger([1, 2])
        let reporter = reporter(ledger)
        reporter.start()
        let report = try read()
        #expect(report.signers.map { $0.lastMixed } == [1_800_000_000, nil])
        #expect(report.signers.map { $0.mixed } == [0, 0] && report.started == 1_800_003_600)
        // By the wall clock: the other one began anew. Warnings count from here.
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 3600, wasMissed: false))
        #expect(ledger.mixed(1) == Ledger.Gap(seconds: nil, wasMissed: false))
        time.pass(1)
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 1, wasMissed: false))
        // Who is listed again is known again.
        let first = KnownSigner(key: try LedgerTests.keys.get()[0], counter: 7)
        ledger.configure([first], maximumAge: 86400)
        #expect(ledger.report().signers.map { $0.lastMixed } == [1_800_000_000])
        ledger.configure(
            [KnownSigner(key: try LedgerTests.keys.get()[1], counter: 7), first], maximumAge: 86400)
        #expect(ledger.report().signers.map { $0.lastMixed } == [1_800_003_601, 1_800_000_000])
    }

    /// A sink that was killed knows where its sources are at once when it starts again.
    @Test func aRestartKeepsTheSourcesNetworks() throws {
        let addresses = ["192.0.2.7", "2001:db8:0:1::5", "64:ff9b::c633:6401"]
        let networks = try addresses.map { Peer(try SocketAddress(ipAddress: $0, port: 1)).network }
        let ledger = try ledger()
        let reporter = reporter(ledger)
        reporter.start()
        sources.note(networks[0])
        time.pass(20 * 86400)
        for network in networks[1...] { sources.note(network) }
        _ = ledger.mixed(0)
        reporter.finish()
        func known(after days: Int64) throws -> [Bool] {
            time.pass(days * 86400)
            let later = KnownSources(clock: time.clock)
            Reporter(directory.file("status.json"), ledger, later, clock: time.clock, log: time.log).recall()
            return networks.map { later.contains($0) }
        }
        #expect(try known(after: 9) == [true, true, true])
        #expect(try known(after: 1) == [false, true, true])
        #expect(try known(after: 20) == [false, false, false])
        #expect(time.lines == [])
    }

    @Test func aTimeThatCannotBeIsNoGap() throws {
        let ledger = try ledger()
        for last in [.max, 1_800_000_001] as [Int64] {
            ledger.recall(
                SinkReport(
                    started: 0, written: 0, maximumAge: 0,
                    signers: [
                        SinkReport.Signer(
                            fingerprint: try LedgerTests.keys.get()[0].fingerprint, counter: 0, mixed: 0,
                            lastMixed: last,
                            refused: [0, 0, 0, 0, 0, 0])
                    ]))
        }
        #expect(ledger.overdue() == [])
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: nil, wasMissed: false))
    }

    /// When the sink started is right also where the clock was set after that.
    @Test func aClockThatIsSetLaterMovesTheStart() throws {
        time.set(12)
        let reporter = reporter(try ledger())
        reporter.start()
        #expect(try read().started == 12)
        time.pass(100)
        time.set(1_800_000_000)
        let later = try ledger()
        time.pass(50)
        #expect(later.report().started == 1_800_000_000)
    }

    /// With a packet in each.
    func passFiveMinutes(_ ledger: Ledger, _ reporter: Reporter) {
        for _ in 0..<5 {
            time.pass(60)
            _ = ledger.mixed(0)
            reporter.look()
            reporter.wait()
        }
    }

    @Test func whatIsNoReportIsNamedOnceAndLeft() throws {
        for text in ["precious", "{\"Private\": \"AAAA\"}", "[]"] {
            try directory.write("status.json", text)
            let (ledger, before) = (try ledger(), time.lines.count)
            let reporter = reporter(ledger)
            reporter.start()
            passFiveMinutes(ledger, reporter)
            #expect(try directory.text("status.json") == text)
            #expect(time.lines.count == before + 1, "\(time.lines)")
            #expect(time.lines.last?.names(directory.file("status.json")) == true, "\(time.lines)")
            // Once it is gone all is well, and that is said, too.
            try directory.remove("status.json")
            time.pass(60)
            reporter.look()
            reporter.wait()
            #expect(try read().signers.first?.mixed == 5)
            #expect(time.lines.count == before + 2, "\(time.lines)")
            #expect(time.lines.last?.names(directory.file("status.json")) == true, "\(time.lines)")
            reporter.finish()
        }
    }

    @Test func anEmptyFileIsNone() throws {
        try directory.write("status.json", "", mode: 0o644)
        let reporter = reporter(try ledger())
        reporter.start()
        #expect(try read().signers.count == 1)
        // Whoever made it says who may read it.
        #expect(try directory.mode("status.json") == 0o644)
        #expect(time.lines == [])
    }

    @Test func whereNothingCanBeWrittenThatIsSaidOnce() throws {
        try FileManager.default.createDirectory(atPath: directory.file("folder"), withIntermediateDirectories: false)
        for path in [directory.file("none/status.json"), directory.file("folder"), "/dev/null"] {
            let ledger = try ledger()
            let before = time.lines.count
            let reporter = Reporter(path, ledger, sources, clock: time.clock, log: time.log)
            reporter.start()
            passFiveMinutes(ledger, reporter)
            reporter.finish()
            #expect(time.lines.count == before + 1, "\(time.lines)")
            #expect(time.lines.last?.names(path) == true, "\(time.lines)")
        }
    }

    @Test func twoSinksDoNotShareAFile() throws {
        let (first, second) = (reporter(try ledger([0])), reporter(try ledger([1])))
        first.start()
        let mine = try read()
        second.start()
        #expect(time.lines.count == 1 && time.lines.last?.names(directory.file("status.json")) == true, "\(time.lines)")
        time.pass(60)
        second.look()
        second.wait()
        #expect(try read() == mine)
        // When it is free it is taken.
        first.finish()
        time.pass(60)
        second.look()
        second.wait()
        #expect(try read() != mine)
        #expect(time.lines.count == 2)
        second.finish()
    }
}

import EntropyCrypto
@testable import EntropyState
import Support
import Testing

@testable import EntropySink

/// How old the last packet of each signer is, with both clocks in hand.
@Suite struct LedgerTests {
    static let keys = Result { try (0..<3).map { _ in try SoftwareSigner(generating: .ecdsaP256).publicKey } }

    let time = HandClock()

    /// Signers by their numbers.
    func signers(_ numbers: [Int]) throws -> [KnownSigner] {
        try numbers.map { KnownSigner(key: try LedgerTests.keys.get()[$0], counter: 0) }
    }

    func label(_ number: Int) throws -> String { try signers([number])[0].label }

    func ledger(_ numbers: [Int] = [0], maximumAge: Int64 = 86400) throws -> Ledger {
        Ledger(try signers(numbers), maximumAge: maximumAge, clock: time.clock)
    }

    @Test func aGapIsCountedFromTheOneBefore() throws {
        let ledger = try ledger([0, 1])
        time.pass(50)
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: nil, wasMissed: false))
        time.pass(21612)
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 21612, wasMissed: false))
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 0, wasMissed: false))
        #expect(ledger.mixed(1) == Ledger.Gap(seconds: nil, wasMissed: false))
    }

    /// The report may be made while a round of packets is half done.
    @Test func aCounterThatComesLaterIsNews() throws {
        let ledger = try ledger()
        _ = ledger.mixed(0)
        #expect(ledger.report().signers[0].mixed == 1)
        #expect(ledger.news == .none)
        let raised = try signers([0]).map { $0.raised(to: 7) }
        ledger.note(raised)
        #expect(ledger.news == .minor && ledger.report().signers[0].counter == 7)
        ledger.note(raised)
        #expect(ledger.news == .none)
    }

    @Test func whoIsSilentIsMissedOnceADay() throws {
        let ledger = try ledger([0, 1])
        _ = ledger.mixed(0)
        time.pass(86399)
        #expect(ledger.overdue() == [])
        _ = ledger.mixed(1)
        time.pass(1)
        let line = try #require(ledger.overdue().first)
        #expect(try line.names(label(0)) && line.names("86400") && line.names("MaximumAge"), "\(line)")
        for _ in 0..<1000 { #expect(ledger.overdue() == []) }
        time.pass(86399)
        #expect(ledger.overdue().count == 1)  // the other one's first
        time.pass(1)
        let again = try #require(ledger.overdue().first)
        #expect(try again.names(label(0)) && again.names("172800"), "\(again)")
        time.pass(100)
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 172900, wasMissed: true))
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 0, wasMissed: false))
    }

    @Test func oneThatNeverCameIsMissedFromTheStart() throws {
        let ledger = try ledger(maximumAge: 60)
        time.pass(61)
        let line = try #require(ledger.overdue().first)
        #expect(try line.names(label(0)) && line.names("61") && line.names("60"), "\(line)")
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: nil, wasMissed: true))
    }

    /// A report of before the start knows more than a file with counters that was put back.
    @Test func anOlderCopyIsNoticed() throws {
        let known = try signers([0, 1]).map { $0.raised(to: 7) }
        let ledger = Ledger(known.map { KnownSigner(key: $0.key, counter: 5) }, maximumAge: 0, clock: time.clock)
        #expect(ledger.beginning(0) == nil && ledger.beginning(1) == nil)
        let earlier = [8, 5].enumerated().map { place, counter in
            SinkReport.Signer(
                fingerprint: known[place].key.fingerprint, counter: counter, mixed: 0, lastMixed: nil,
                refused: SinkReport.Refusal.allCases.map { _ in 0 })
        }
        time.pass(10)
        #expect(ledger.recall(SinkReport(started: 0, written: 0, maximumAge: 0, signers: earlier)).count == 1)
        #expect(ledger.beginning(0) == 1000 && ledger.beginning(1) == nil)
        ledger.know(0)
        #expect(ledger.beginning(0) == nil)
    }

    @Test func aJumpOfTheWallClockMakesNobodyOlder() throws {
        let ledger = try ledger()
        _ = ledger.mixed(0)
        for unix in [0, 1 << 40, .max, .min, 1000] as [Int64] {
            time.set(unix)
            #expect(ledger.overdue() == [])
        }
        // Nor younger.
        time.set(0)
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: 0, wasMissed: false))
    }

    @Test(arguments: [0, .max] as [Int64]) func thereMayBeNoLimit(_ maximumAge: Int64) throws {
        let ledger = try ledger(maximumAge: maximumAge)
        time.pass(1 << 40)
        #expect(ledger.overdue() == [])
    }

    @Test func anotherConfigurationMayChangeAll() throws {
        let ledger = try ledger([0, 1])
        let label = try label(1)
        _ = ledger.mixed(1)
        time.pass(100)
        // A shorter time holds at once; who came later has all of it; who is gone is not missed.
        ledger.configure(try signers([1, 2]), maximumAge: 100)
        #expect(ledger.overdue().map { $0.contains(label) } == [true])
        time.pass(50)
        #expect(ledger.overdue() == [])
        // A longer one takes the warning back; it comes again when that has passed.
        ledger.configure(try signers([2, 1]), maximumAge: 200)
        #expect(ledger.overdue() == [])
        time.pass(50)
        #expect(ledger.overdue().map { $0.contains(label) } == [true])
        ledger.configure(try signers([2, 1]), maximumAge: 0)
        time.pass(1 << 30)
        #expect(ledger.overdue() == [])
        // The gap goes on all the while.
        #expect(ledger.mixed(1) == Ledger.Gap(seconds: 200 + 1 << 30, wasMissed: false))
        #expect(ledger.mixed(0) == Ledger.Gap(seconds: nil, wasMissed: false))
    }
}

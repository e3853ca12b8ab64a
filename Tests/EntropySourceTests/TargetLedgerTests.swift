import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import EntropySource

/// How often a list is written, and what stands in it at each moment.
@Suite struct TargetLedgerTests {
    let directory: TemporaryDirectory
    let hand = SourceTests.HandClock()
    let key = Base64.encode(BoxPrivateKey().publicKey.bytes)

    init() throws { directory = try TemporaryDirectory() }

    func write(_ counters: [Int64], except gone: Range<Int> = 0..<0) throws {
        let entries = counters.enumerated().filter { !gone.contains($0.offset) }.map {
            "{\"Address\": \"host:\($0.offset + 1)\", \"Public\": \"\(key)\", \"Counter\": \($0.element)}"
        }
        try directory.write("targets.json", "[\(entries.joined(separator: ",\n"))]")
    }

    func ledger() -> TargetLedger {
        let hand = hand
        return TargetLedger(
            TargetList(directory.file("targets.json")),
            clock: Clock(unixTime: { 0 }, milliseconds: { hand.milliseconds }))
    }

    func counters() throws -> [Int64] { try TargetList(directory.file("targets.json")).load().map(\.counter) }

    /// Numbers for some of `targets`, with those after them to come next.
    func number(
        _ ledger: TargetLedger, _ targets: [Target], _ places: Range<Int>
    ) throws -> [TargetList.Numbered] {
        try ledger.number(Array(targets[places])) { Array(targets[places.upperBound...].prefix($0)) }
    }

    /// The number of the list's inode.
    func file() throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: directory.file("targets.json"))[.systemFileNumber] as? Int
    }

    @Test func aLongListIsWrittenEightTimes() throws {
        for count in [1024, 2048] {
            try write([Int64](repeating: 7, count: count))
            let ledger = ledger()
            let targets = try ledger.load()
            for place in 0..<count {
                let before = try file()
                let writings = ledger.writings
                #expect(try number(ledger, targets, place..<(place + 1)) == [.counter(8)])
                // Each number stands in the list before it is given: a list that is written is another file.
                #expect(try (file() == before) == (ledger.writings == writings))
                if place % 500 == 0 { #expect(try counters()[place] == 8) }
                ledger.note(.next(9, of: targets[place]))
                if let due = ledger.due, due <= hand.milliseconds { try ledger.write() }
            }
            try ledger.write()
            #expect((8...10).contains(ledger.writings), "\(ledger.writings)")
            let now = try ledger.load()
            #expect(now.allSatisfy { $0.counter == 8 && $0.next == 9 } && now.count == count)
        }
    }

    /// The list of a few has the number of their last packet.
    @Test func aShortListIsNotCountedAhead() throws {
        try write([Int64](repeating: 0, count: 1023))
        let ledger = ledger()
        let targets = try ledger.load()
        #expect(try number(ledger, targets, 3..<5) == [.counter(1), .counter(1)])
        #expect(try counters().reduce(0, +) == 2)
    }

    @Test func whoWasCountedAheadAndRemovedIsGone() throws {
        try write([Int64](repeating: 0, count: 1200))
        let ledger = ledger()
        let targets = try ledger.load()
        #expect(try number(ledger, targets, 0..<1) == [.counter(1)])
        #expect(try counters()[1] == 1)
        try write([Int64](repeating: 1, count: 1200), except: 1..<2)
        #expect(try number(ledger, targets, 1..<2) == [.gone])
        // What was counted ahead is not given any more: the list was in other hands.
        #expect(try number(ledger, targets, 2..<3) == [.counter(2)])
        #expect(try ledger.load().count == 1199)
    }

    @Test func whatSomebodyElseCountedIsHeeded() throws {
        try write([Int64](repeating: 0, count: 1200))
        let (ledger, other) = (ledger(), ledger())
        let targets = try ledger.load()
        _ = try other.load()
        #expect(try number(ledger, targets, 0..<1) == [.counter(1)])
        #expect(try number(other, targets, 1..<2) == [.counter(2)])
        #expect(try number(ledger, targets, 1..<3) == [.counter(3), .counter(3)])
        // Whoever was killed gave what is in the list, for all that anybody knows.
        let restarted = self.ledger()
        _ = try restarted.load()
        #expect(try number(restarted, targets, 4..<5) == [.counter(try counters()[4])])
    }

    @Test func noNumberIsGivenTwiceWhateverAnEditorWrites() throws {
        try write([Int64](repeating: 0, count: 1200))
        let ledger = ledger()
        let targets = try ledger.load()
        var given: Set<[Int64]> = []
        for round in 0..<4 {
            for place in stride(from: 0, to: 50, by: 5) {
                for (place, number) in zip(place..<(place + 5), try number(ledger, targets, place..<(place + 5))) {
                    guard case .counter(let counter) = number else { continue }
                    #expect(given.insert([Int64(place), counter]).inserted)
                }
                // The list of the beginning comes back.
                if place == 20 * (round % 2) { try write([Int64](repeating: 0, count: 1200)) }
            }
        }
        #expect(given.count == 200)
    }

    /// Claiming, and noting what was delivered, is no other's work: what was counted ahead stays good.
    @Test func whatIsWrittenHereLeavesNoGap() throws {
        try write([Int64](repeating: 0, count: 1200))
        let ledger = ledger()
        let targets = try ledger.load()
        #expect(try number(ledger, targets, 0..<1) == [.counter(1)])
        ledger.note(.next(9, of: targets[0]))
        try ledger.write()
        try ledger.claim()
        let writings = ledger.writings
        #expect(try number(ledger, targets, 1..<10) == [TargetList.Numbered](repeating: .counter(1), count: 9))
        #expect(ledger.writings == writings)
        // Nor does one that was counted ahead and did not come.
        #expect(try number(ledger, targets, 500..<501) == [.counter(1)])
        #expect(try number(ledger, targets, 20..<21) == [.counter(1)])
        #expect(try counters().allSatisfy { $0 <= 1 })
    }

    @Test func notesWaitForASecond() throws {
        for (count, enough, delay) in [(64, 32, 1064), (600, 150, 1600)] as [(Int, Int, Int64)] {
            try write([Int64](repeating: 0, count: count))
            let ledger = ledger()
            let targets = try ledger.load()
            #expect(ledger.due == nil)
            hand.milliseconds = 5000
            ledger.note(.next(9, of: targets[0]))
            #expect(ledger.due == 5000 + delay)
            hand.milliseconds = 5500
            // The first one counts.
            for place in 1..<enough { ledger.note(.next(9, of: targets[place])) }
            #expect(ledger.due == 5000)
            try ledger.write()
            #expect(ledger.due == nil)
            #expect(try ledger.load().filter { $0.next == 9 }.count == enough)
        }
    }

    @Test func whatCannotBeNotedIsDropped() throws {
        try write([0])
        let ledger = ledger()
        ledger.note(.next(9, of: try #require(try ledger.load().first)))
        try directory.write("targets.json", "nonsense")
        #expect(throws: StateError.self) { try ledger.write() }
        #expect(!ledger.hasNotes && ledger.writings == 0)
    }

    /// Keys are judged once; one that an editor puts in the place of another is a new one.
    @Test func aKeyThatComesLaterIsJudged() throws {
        try write([1, 2, 3])
        let ledger = ledger()
        #expect(try ledger.load().count == 3)
        let good = try directory.text("targets.json")
        let zero = Base64.encode([UInt8](repeating: 0, count: 32))
        let place = try #require(good.range(of: key, options: .backwards))
        try directory.write("targets.json", good.replacingCharacters(in: place, with: zero))
        for _ in 0..<2 { #expect(throws: StateError.self) { try ledger.load() } }
        try directory.write("targets.json", good)
        #expect(try ledger.load().count == 3)
    }

    /// A sink says what its counter is while a number for it is counted ahead already: the next one is above what it said.
    @Test func whatASinkSaysHoldsForNumbersThatAreCountedAhead() throws {
        try write([Int64](repeating: 5, count: 1200))
        let ledger = ledger()
        let targets = try ledger.load()
        #expect(try number(ledger, targets, 0..<10) == [TargetList.Numbered](repeating: .counter(6), count: 10))
        let before = ledger.writings
        ledger.note(.counter(100, of: targets[20]))
        #expect(try number(ledger, targets, 10..<20) == [TargetList.Numbered](repeating: .counter(6), count: 10))
        #expect(ledger.writings == before)
        #expect(try number(ledger, targets, 20..<22) == [.counter(101), .counter(6)])
        // Also where it could not be written down.
        ledger.note(.counter(200, of: targets[21]))
        try directory.write("targets.json", "broken")
        #expect(throws: StateError.self) { try ledger.write() }
        try write([Int64](repeating: 7, count: 1200))
        #expect(try number(ledger, targets, 21..<22) == [.counter(201)])
    }

    /// A long list is not written for nothing, unless the last time it could not be.
    @Test func aLongListIsClaimedOnce() throws {
        func file() throws -> Int {
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file("targets.json"))
            return (attributes[.systemFileNumber] as? NSNumber)?.intValue ?? 0
        }
        for count in [1200, 10] {
            try write([Int64](repeating: 5, count: count))
            let ledger = ledger()
            _ = try ledger.load()
            try ledger.claim()
            let claimed = try file()
            try ledger.claim()
            #expect(try (file() == claimed) == (count > 1000))
            // Somebody else was here.
            try write([Int64](repeating: 6, count: count))
            let other = try file()
            try ledger.claim()
            #expect(try file() != other)
        }
    }
}

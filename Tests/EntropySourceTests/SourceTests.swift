import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import EntropySource

/// A physical noise source, for sources whose noise is not the subject.
final class GoodNoise: NoiseSource {
    let kind = NoiseKind.tpm
    let name = "good noise"

    func gather(_ count: Int) throws(NoiseError) -> [UInt8] { try KernelNoise().gather(count) }
}

/// The loop with the clock and the noise in hand; the programs as programs are tested elsewhere.
@Suite(.serialized) struct SourceTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    /// A source with one target that nobody serves; `said` gets its lines.
    func source(
        now: Int64 = 0, noise: [any NoiseSource] = [GoodNoise()], unixTime: (@Sendable () -> Int64)? = nil,
        milliseconds: @escaping @Sendable () -> Int64 = { 0 }, port: UInt16 = 1, interval: Int64 = 60,
        say: @escaping (String) -> Void
    ) throws -> Source {
        let key = Base64.encode(BoxPrivateKey().publicKey.bytes)
        try directory.write("targets.json", "[{\"Address\": \"127.0.0.1:\(port)\", \"Public\": \"\(key)\"}]")
        let settings = Source.Settings(
            targets: directory.file("targets.json"), seed: directory.file("seed"), interval: interval, scan: 60,
            earliest: 1000, report: directory.file("status.json"))
        return try Source(
            settings, signer: try SoftwareSigner(generating: .ecdsaP256), noise: noise,
            clock: Clock(unixTime: unixTime ?? { now }, milliseconds: milliseconds), termination: try Termination(),
            say: say)
    }

    /// Changes the list's only entry, as an operator would.
    func edit(_ change: (inout [String: Any]) -> Void) throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read("targets.json")))
        var entry = try #require((parsed as? [[String: Any]])?.first)
        change(&entry)
        try directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: [entry])))
    }

    /// The list's only entry, as the last run left it.
    func next() throws -> Int64? {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read("targets.json")))
        return ((parsed as? [[String: Any]])?.first?["Next"] as? NSNumber)?.int64Value
    }

    /// A source for the list that is there.
    func another(now: Int64, isNow: Bool = false, say: @escaping (String) -> Void = { _ in }) throws -> Source {
        try Source(
            .init(
                targets: directory.file("targets.json"), seed: directory.file("seed"), interval: 3600, scan: 60,
                earliest: 1000, report: directory.file("status.json"), isNow: isNow),
            signer: try SoftwareSigner(generating: .ecdsaP256), noise: [GoodNoise()],
            clock: Clock(unixTime: { now }, milliseconds: { 0 }), termination: try Termination(), say: say)
    }

    /// One run has its clock a year ahead. The next one does not wait a year; for an operator's `Next` it does.
    @Test func aNextOfAWrongClockDoesNotHold() throws {
        let (now, year) = (Int64(1_800_000_000), Int64(365 * 86400))
        let catcher = try PacketCatcher()
        #expect(try source(now: now + year, port: catcher.port, interval: 3600) { _ in }.scan().served == 1)
        let written = try #require(try next())
        #expect(written > now + year)
        #expect(try another(now: now).scan().served == 1)
        #expect(abs(try #require(try next()) - (now + 3600)) <= 360)
        // The same time, by an operator.
        try edit { $0["Next"] = written }
        #expect(try another(now: now).scan().served == 0)
        #expect(try next() == written)
        #expect(eventually { catcher.frames.count == 2 })
        // And a packet is sent on demand all the same.
        _ = try another(now: now, isNow: true).scan()
        #expect(eventually { catcher.frames.count == 3 })
    }

    /// No sink that never gave a receipt is believed for ever, unless the list says that it gives none.
    @Test func severalPacketsWithoutAReceiptAreAFailure() throws {
        let now = Int64(1_800_000_000)
        let catcher = try PacketCatcher()
        _ = try source(now: now, port: catcher.port) { _ in }
        func scan() throws -> [Int] {
            let result = try another(now: now, isNow: true).scan()
            return [result.served, result.failed]
        }
        for expected in [[1, 0], [1, 0], [0, 1], [0, 1]] { #expect(try scan() == expected) }
        // What fails is not sent more often for that: it may be an original sink.
        #expect(abs(try #require(try next()) - (now + 3600)) <= 360)
        try edit { $0["Receipts"] = false }
        #expect(try scan() == [1, 0])
        try edit { $0["Receipts"] = true }
        let before = try next()
        #expect(try scan() == [0, 1])
        #expect(try next() == before)
        #expect(eventually { catcher.frames.count == 6 })
    }

    @Test func nothingIsSentBeforeTheClockIsSet() throws {
        for now in [Int64.min, 0, 999] {
            var said: [String] = []
            let source = try source(now: now) { said.append($0) }
            guard case .clockNotSet(now) = #expect(throws: SourceError.self, performing: { try source.scan() }) else {
                Issue.record("another error")
                return
            }
        }
        let source = try source(now: 1000) { _ in }
        #expect(try source.scan().failed == 1)
        #expect(source.report.entries.map { $0.status } == [.unreachable])
    }

    @Test func aPacketThatIsFarAwayIsMentionedOnce() throws {
        var said: [String] = []
        let source = try source(now: 1000) { said.append($0) }
        for (next, lines) in [(1066, 0), (1067, 1), (1067, 1), (Int.max, 2), (1067, 3)] {
            let text = try directory.text("targets.json").split(separator: ", \"Next\"")[0]
            let entry = text.hasSuffix("]") ? String(text.dropLast(2)) : String(text)
            try directory.write("targets.json", "\(entry), \"Next\": \(next)}]")
            #expect(try source.scan().failed == 0)
            #expect(said.filter { $0.names("Next") }.count == lines, "\(said)")
        }
    }

    /// Milliseconds that a test sets.
    final class HandClock: @unchecked Sendable { var milliseconds: Int64 = 5 }

    @Test func theSeedIsRewrittenEveryTenMinutes() throws {
        let hand = HandClock()
        let source = try source(
            unixTime: { 1000 + hand.milliseconds / 1000 }, milliseconds: { hand.milliseconds }
        ) { _ in }
        let first = try directory.read("seed")
        // The target refuses connections: each scan comes to its end at once.
        hand.milliseconds += 599_999
        _ = try source.scan()
        #expect(try directory.read("seed") == first)
        hand.milliseconds += 1
        _ = try source.scan()
        let second = try directory.read("seed")
        #expect(second != first && second.count == 64)
        hand.milliseconds += 599_999
        _ = try source.scan()
        #expect(try directory.read("seed") == second)
        try source.finish()
        #expect(try directory.read("seed") != second)
    }

    /// One catcher under twelve hundred names: what is written is little, and all of it when the scan is over.
    @Test func aLongListIsWrittenSeldom() throws {
        let catcher = try PacketCatcher(everywhere: true)
        let source = try source(now: 1000) { _ in }
        let key = Base64.encode(BoxPrivateKey().publicKey.bytes)
        let entries = (0..<1200).map {
            "{\"Address\": \"127.0.\($0 / 200).\($0 % 200 + 1):\(catcher.port)\", \"Public\": \"\(key)\"}"
        }
        try directory.write("targets.json", "[\(entries.joined(separator: ","))]")
        #expect(try source.scan().served == 1200)
        #expect(eventually { catcher.frames.count == 1200 })
        #expect((5...20).contains(source.ledger.writings), "\(source.ledger.writings)")
        let list = try TargetList(directory.file("targets.json")).load()
        #expect(list.map(\.counter) == [Int64](repeating: 1, count: 1200))
        #expect(list.allSatisfy { (1054...1066).contains($0.next) })
        #expect(try source.scan().served == 0)
    }

    /// The wall clock runs away by a day in the midst of an interval, and is steady again.
    @Test func aClockThatJumpedIsWaitedOut() throws {
        final class Wall: @unchecked Sendable { var offset: Int64 = 1_800_000_000 }
        let (hand, wall) = (HandClock(), Wall())
        let catcher = try PacketCatcher()
        let source = try source(
            unixTime: { wall.offset + hand.milliseconds / 1000 }, milliseconds: { hand.milliseconds },
            port: catcher.port, interval: 3600
        ) { _ in }
        #expect(try source.scan().served == 1)
        let before = try #require(try next())
        hand.milliseconds += 60_000
        wall.offset += 86400
        guard case .clockJumped(86400) = #expect(throws: SourceError.self, performing: { try source.scan() }) else {
            Issue.record("another error")
            return
        }
        hand.milliseconds += 59_000
        #expect(throws: SourceError.self) { try source.scan() }
        hand.milliseconds += 1_000
        // By the wall clock it would be due since long; the interval is not over, and Next says so to the next run.
        #expect(try source.scan().served == 0)
        #expect(abs(try #require(try next()) - (before + 86400)) <= 1)
        hand.milliseconds += 4_000_000
        #expect(try source.scan().served == 1)
        #expect(catcher.frames.count == 2)
    }
}

import EntropyState
import NIOCore
import Support
import Testing

@testable import EntropySink

/// Who can fill the log, and whose lines are lost.
@Suite struct LogTests {
    let time = HandClock()
    let peer = Peer(nil)

    @Test func oneLineASecondOfEachKind() {
        var limiter = LineLimiter(interval: 60_000, whose: "this signer")
        #expect(limiter.admit("a", "1", now: 5) == "1")
        for number in 2...600 { #expect(limiter.admit("a", "\(number)", now: Int64(number) * 99) == nil) }
        // Nobody's flood takes another one's line.
        #expect(limiter.admit("b", "b", now: 59_000) == "b")
        #expect(limiter.flush(now: 60_004) == [])
        #expect(limiter.flush(now: 60_005) == ["600 (held back: 598 more of this signer)"])
        #expect(limiter.admit("a", "601", now: 60_006) == nil)
        #expect(limiter.admit("a", "602", now: 120_005) == "602 (held back: 1 more of this signer)")
        #expect(limiter.flush(now: 500_000) == [])
        #expect(limiter.admit("a", "603", now: 500_001) == "603")
        #expect(limiter.admit("a", "604", now: 500_002) == nil)
        #expect(limiter.flush(now: 600_000) == ["604"])
    }

    /// A recording that is sent five times a second, junk that is sent a hundred times, and a packet that an operator looks for.
    @Test func nobodysFloodHidesAnotherKind() {
        for tick in 0..<3600 {
            for _ in 0..<20 { time.log.stranger(peer, "junk") }
            time.log.stranger(peer, isForUs: true, "unlisted")
            time.log.refused("c82e8cc2", .counter, peer, "recording")
            if tick == 1801 {
                time.log.refused("c82e8cc2", .drift, peer, "clock")
                time.log.refused("6f3ae16f", .counter, peer, "another signer's recording")
            }
            time.pass(1)
            if tick % 5 == 0 { time.log.flush() }
        }
        func count(_ words: String) -> Int { time.lines.count { $0.contains(words) } }
        #expect(count(": clock") == 1)
        #expect(count("another signer's") == 1)
        #expect((3599...3601).contains(count("unlisted")))
        // An hour has 3,600 seconds; nobody's line costs a stranger's.
        #expect((3599...3601).contains(count("junk")), "\(count("junk"))")
        #expect((359...361).contains(count(": recording")), "\(count(": recording"))")
    }

    /// A disk that is full gives a line a minute for each signer, however many packets come.
    @Test(arguments: [.storage, .pool, .chunk] as [SinkReport.Refusal]) func aBrokenDiskIsALineAMinute(
        _ reason: SinkReport.Refusal
    ) {
        for _ in 0..<6000 {
            time.log.refused("c82e8cc2", reason, peer, "not mixed")
            time.log.refused("6f3ae16f", reason, peer, "not mixed")
        }
        #expect(time.lines.count == 2)
        time.pass(60)
        time.log.flush()
        #expect(time.lines.count == 4)
        #expect(time.lines.last?.names("5998") == true, "\(time.lines)")
    }
}

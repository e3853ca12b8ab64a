import Testing

@testable import EntropySink

@Suite struct LimitTests {
    @Test func oneLinePerSecondAndPeer() {
        var limiter = JunkLimiter()
        #expect(limiter.admit("a", now: 0) == 0)
        #expect(limiter.admit("b", now: 1) == 0)
        for now in 1..<1000 { #expect(limiter.admit("a", now: Int64(now)) == nil) }
        #expect(limiter.admit("a", now: 1000) == 999)
        #expect(limiter.admit("a", now: 2500) == 0)
    }

    @Test func manyPeersShareOneLine() {
        var limiter = JunkLimiter()
        var lines = 0
        for number in 0..<100_000 where limiter.admit("\(number)", now: 5) != nil { lines += 1 }
        #expect(lines == 1025)
        // A second later the old peers make room.
        #expect(limiter.admit("new", now: 1005) == 0)
    }

    @Test func onePeerCannotTakeEveryPlace() {
        let gate = Gate()
        for _ in 0..<Gate.maximumPerPeer { #expect(gate.enter("a")) }
        #expect(!gate.enter("a"))
        #expect(gate.enter("b"))
        gate.leave("a")
        #expect(gate.enter("a"))
    }

    @Test func allTogetherAreBounded() {
        let gate = Gate()
        for number in 0..<Gate.maximumConnections { #expect(gate.enter("\(number)")) }
        #expect(!gate.enter("late"))
        gate.leave("7")
        #expect(gate.enter("late"))
    }
}

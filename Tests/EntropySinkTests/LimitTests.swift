import EntropyState
import NIOCore
import Testing

@testable import EntropySink

@Suite struct LimitTests {
    func peer(_ address: String) throws -> Peer { Peer(try SocketAddress(ipAddress: address, port: 1)) }

    @Test func oneLinePerSecondAndPeer() {
        var limiter = JunkLimiter()
        #expect(limiter.admit("a", now: 0) == .init(own: 0, others: 0))
        #expect(limiter.admit("b", now: 1) == .init(own: 0, others: 0))
        for now in 1..<1000 { #expect(limiter.admit("a", now: Int64(now)) == nil) }
        #expect(limiter.admit("a", now: 1000) == .init(own: 999, others: 0))
        #expect(limiter.admit("a", now: 2500) == .init(own: 0, others: 0))
    }

    @Test func manyPeersTogetherAreBounded() {
        var limiter = JunkLimiter()
        var lines = 0
        for number in 0..<100_000 where limiter.admit("\(number)", now: 5) != nil { lines += 1 }
        #expect(lines == JunkLimiter.linesPerSecond)
        // A second later there is room, and the rest was counted.
        #expect(limiter.admit("new", now: 1005) == .init(own: 0, others: 100_000 - lines))
        // An hour of it: ten lines a second.
        lines = 0
        for number in 0..<360_000 where limiter.admit("x\(number)", now: 10_000 + Int64(number) * 10) != nil {
            lines += 1
        }
        #expect(lines <= 3600 * JunkLimiter.linesPerSecond)
    }

    @Test func onePeerCannotTakeEveryPlace() throws {
        let gate = Gate(.standard)
        for _ in 0..<SinkLimits.standard.connectionsPerAddress { #expect(gate.enter(try peer("192.0.2.1"))) }
        #expect(!gate.enter(try peer("192.0.2.1")))
        // The same peer by way of a socket for both families, and one that is its neighbour.
        #expect(!gate.enter(try peer("::ffff:192.0.2.1")))
        #expect(try peer("::ffff:192.0.2.1").text == "192.0.2.1")
        #expect(gate.enter(try peer("192.0.2.2")))
        gate.leave(try peer("192.0.2.1"))
        #expect(gate.enter(try peer("192.0.2.1")))
    }

    @Test func anIPv6NetworkIsOnePeer() throws {
        #expect(try peer("2001:db8::1").network == peer("2001:db8::ffff:1:2:3").network)
        #expect(try peer("2001:db8::1").network != peer("2001:db8:0:1::1").network)
        #expect(try peer("2001:db8::1").text == "2001:db8::1")
    }

    @Test func allTogetherAreBounded() throws {
        let gate = Gate(.standard)
        for number in 0..<SinkLimits.standard.connections {
            #expect(gate.enter(try peer("10.0.\(number / 256).\(number % 256)")))
        }
        #expect(!gate.enter(try peer("192.0.2.1")))
        gate.leave(try peer("10.0.0.7"))
        #expect(gate.enter(try peer("192.0.2.1")))
    }

    @Test func onePeerCannotTakeAllOfTheTime() throws {
        let gate = Gate(
            SinkLimits(connections: 10, connectionsPerAddress: 10, secondsPerPacket: 60, packetsPerMinute: 3))
        let (one, other) = (try peer("192.0.2.1"), try peer("192.0.2.2"))
        for now in [5, 6, 7] as [Int64] { #expect(gate.admitPacket(one, now: now)) }
        #expect(!gate.admitPacket(one, now: 8) && !gate.admitPacket(one, now: 60_004))
        #expect(gate.admitPacket(other, now: 8))
        #expect(gate.admitPacket(one, now: 60_005))
    }

    @Test func moreAddressesThanSourcesAreNotRemembered() throws {
        let gate = Gate(.standard)
        var admitted = 0
        for number in 0..<70_000 {
            let address = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
            if gate.admitPacket(try peer(address), now: 1) { admitted += 1 }
        }
        #expect(admitted == 65536)
        #expect(gate.admitPacket(try peer("10.0.0.1"), now: 2))
        #expect(gate.admitPacket(try peer("192.0.2.1"), now: 60_001))
    }
}

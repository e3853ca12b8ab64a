import EntropyState
import NIOCore
import NIOEmbedded
import Testing

@testable import EntropySink

@Suite struct LimitTests {
    /// Channels that are connected to nothing; `body` may use them.
    func withChannels(_ count: Int, _ body: ([EmbeddedChannel]) throws -> Void) throws {
        let channels = (0..<count).map { _ in EmbeddedChannel() }
        // One that is not finished is never freed.
        defer { for channel in channels { _ = try? channel.finish() } }
        try body(channels)
    }

    func peer(_ address: String) throws -> Peer { Peer(try SocketAddress(ipAddress: address, port: 1)) }

    @Test func oneLineASecondWhoeverCausesIt() {
        var limiter = JunkLimiter()
        #expect(limiter.admit(.stranger, "a", now: 0) == "a")
        for now in 1..<1000 { #expect(limiter.admit(.stranger, "b", now: Int64(now)) == nil) }
        #expect(limiter.admit(.stranger, "c", now: 1000) == "c (held back: 999 more of strangers)")
        #expect(limiter.admit(.signer, "d", now: 1001) == nil)
        #expect(limiter.admit(.signer, "e", now: 2500) == "e (held back: 1 more of known signers)")
        // An hour of a hundred lines a second.
        let lines = (0..<360_000).count { limiter.admit(.stranger, "x", now: 10_000 + Int64($0) * 10) != nil }
        #expect(lines == 3600)
    }

    @Test func aKnownSignersLineIsNotLostAmongStrangers() {
        var limiter = JunkLimiter()
        #expect(limiter.admit(.stranger, "a", now: 0) == "a")
        #expect(limiter.admit(.signer, "packet 4", now: 10) == nil)
        #expect(limiter.admit(.signer, "packet 5", now: 20) == nil)
        #expect(limiter.admit(.stranger, "b", now: 30) == nil)
        #expect(
            limiter.admit(.stranger, "c", now: 1000)
                == "packet 5 (held back: 1 more of known signers, 2 more of strangers)")
        // Nor where no stranger comes after it.
        #expect(limiter.admit(.signer, "packet 6", now: 1500) == nil)
        #expect(limiter.flush(now: 1999) == nil)
        #expect(limiter.flush(now: 2000) == "packet 6")
        #expect(limiter.flush(now: 9000) == nil)
    }

    @Test func onePeerCannotTakeEveryPlace() throws {
        let gate = Gate(.standard)
        let most = SinkLimits.standard.connectionsPerAddress
        try withChannels(most + 2) { channels in
            for channel in channels.prefix(most) { #expect(gate.enter(try peer("192.0.2.1"), channel, now: 0) == nil) }
            #expect(gate.enter(try peer("192.0.2.1"), channels[most], now: 0) == .full)
            // The same peer by way of a socket for both families, and one that is its neighbour.
            #expect(gate.enter(try peer("::ffff:192.0.2.1"), channels[most], now: 0) == .full)
            #expect(try peer("::ffff:192.0.2.1").text == "192.0.2.1")
            #expect(gate.enter(try peer("192.0.2.2"), channels[most + 1], now: 0) == nil)
            #expect(gate.channels.count == most + 1)
            gate.leave(try peer("192.0.2.1"), channels[7])
            #expect(gate.enter(try peer("192.0.2.1"), channels[most], now: 0) == nil)
        }
    }

    @Test func whoSendsNothingButJunkIsClosedAtOnce() throws {
        let gate = Gate(.standard)
        let (junk, other, source) = (try peer("192.0.2.1"), try peer("192.0.2.2"), try peer("192.0.2.3"))
        let begin: Int64 = 1_000_000
        try withChannels(1) { channels in
            func comesIn(_ peer: Peer, _ now: Int64) -> Gate.Refusal? {
                let refusal = gate.enter(peer, channels[0], now: begin + now)
                if refusal == nil { gate.leave(peer, channels[0]) }
                return refusal
            }
            gate.noteSource(source)
            for number in 0..<Gate.junkLimit {
                for peer in [junk, source] {
                    #expect(comesIn(peer, Int64(number)) == nil)
                    gate.noteJunk(peer)
                }
            }
            #expect(comesIn(junk, 599_999) == .junk)
            // A source's neighbour does not shut it out; and others come in.
            #expect(comesIn(source, 599_999) == nil)
            #expect(comesIn(other, 599_999) == nil)
            #expect(comesIn(junk, 600_000) == nil)
            // A new configuration may know who was unknown.
            for _ in 0..<Gate.junkLimit { gate.noteJunk(junk) }
            #expect(comesIn(junk, 600_001) == .junk)
            gate.limits = .standard
            #expect(comesIn(junk, 600_001) == nil)
        }
    }

    @Test func anIPv6NetworkIsOnePeer() throws {
        #expect(try peer("2001:db8::1").network == peer("2001:db8::ffff:1:2:3").network)
        #expect(try peer("2001:db8::1").network != peer("2001:db8:0:1::1").network)
        #expect(try peer("2001:db8::1").text == "2001:db8::1")
    }

    @Test func allTogetherAreBounded() throws {
        let gate = Gate(
            SinkLimits(connections: 300, connectionsPerAddress: 10, secondsPerPacket: 60, packetsPerMinute: 3))
        try withChannels(301) { channels in
            for number in 0..<300 {
                #expect(
                    gate.enter(try peer("10.0.\(number / 256).\(number % 256)"), channels[number], now: 0) == nil)
            }
            #expect(gate.enter(try peer("192.0.2.1"), channels[300], now: 0) == .full)
            gate.leave(try peer("10.0.0.7"), channels[7])
            #expect(gate.enter(try peer("192.0.2.1"), channels[300], now: 0) == nil)
        }
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

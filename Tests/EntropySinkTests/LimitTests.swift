import EntropyState
import NIOCore
import NIOEmbedded
import Testing

@testable import EntropySink

/// What one party can take of a sink, by however many addresses.
@Suite struct LimitTests {
    let time = HandClock()
    let sources: KnownSources

    init() { sources = KnownSources(clock: time.clock) }

    func gate(
        connections: Int = 4096, perAddress: Int = 32, packets: Int = 600
    ) -> Gate {
        Gate(
            SinkLimits(
                connections: connections, connectionsPerAddress: perAddress, secondsPerPacket: 60,
                packetsPerMinute: packets), sources)
    }

    /// Channels that are connected to nothing; `body` may use them.
    func withChannels(_ count: Int, _ body: ([EmbeddedChannel]) throws -> Void) throws {
        let channels = (0..<count).map { _ in EmbeddedChannel() }
        // One that is not finished is never freed.
        defer { for channel in channels { _ = try? channel.finish() } }
        try body(channels)
    }

    func peer(_ address: String) throws -> Peer { Peer(try SocketAddress(ipAddress: address, port: 1)) }

    /// An address of the documentation's /48, in its /64 of that number.
    func peer(inNetwork number: Int) throws -> Peer {
        try peer("2001:db8:7:\(String(number, radix: 16))::1")
    }

    @Test func anIPv6NetworkIsOnePeer() throws {
        #expect(try peer("2001:db8::1").network == peer("2001:db8::ffff:1:2:3").network)
        #expect(try peer("2001:db8::1").network != peer("2001:db8:0:1::1").network)
        #expect(try peer("2001:db8::1").text == "2001:db8::1")
        #expect(try peer("2001:db8::1").surroundings == peer("2001:db8:0:ff::1").surroundings)
        #expect(try peer("2001:db8::1").surroundings[0] != peer("2001:db8:0:100::1").surroundings[0])
        #expect(try peer("2001:db8::1").surroundings[1] == peer("2001:db8:0:ffff::1").surroundings[1])
        #expect(try peer("2001:db8::1").surroundings[1] != peer("2001:db8:1::1").surroundings[1])
    }

    /// By way of a socket for both families, and of a translator (RFC 6052, 2.4: 64:ff9b::192.0.2.33).
    @Test func anIPv4AddressIsOnePeerHoweverItComes() throws {
        let plain = try peer("192.0.2.33")
        #expect(try peer("::ffff:192.0.2.33").network == plain.network)
        #expect(try peer("::ffff:192.0.2.33").text == "192.0.2.33")
        #expect(try peer("64:ff9b::c000:221").network == plain.network)
        #expect(try peer("64:ff9b::c000:221").surroundings.isEmpty)
        #expect(try peer("64:ff9b::c000:222").network != plain.network)
        // A network's own prefix may have the address anywhere: these are a /64.
        #expect(try peer("64:ff9b:1::c000:221").network != plain.network)
        #expect(try peer("64:ff9b:0:0:0:1:c000:221").network != plain.network)
    }

    @Test func aNetworksTextIsReadAsItIsWritten() throws {
        for (address, text) in [
            ("192.0.2.7", "192.0.2.7"), ("2001:db8:0:1::5", "2001:db8:0:1::/64"), ("::1", "0:0:0:0::/64"),
        ] {
            let network = try peer(address).network
            #expect(network.text == text)
            #expect(AddressPrefix(text) == network)
        }
        for text in [
            "", "192.0.2", "192.0.2.256", "192.0.2.07", "192.0.2.7.", "2001:db8::/64", "2001:db8:0:1::/48", "1:2:3:4",
            "2001:DB8:0:1::/64", "1:2:3:10000::/64", "+1:2:3:4::/64", "::/64",
        ] {
            #expect(AddressPrefix(text) == nil, "\(text)")
        }
    }

    @Test func onePeerCannotTakeEveryPlace() throws {
        let gate = gate()
        try withChannels(34) { channels in
            for (number, channel) in channels.prefix(32).enumerated() {
                #expect(gate.enter(try peer("192.0.2.1"), channel, now: Int64(number)).isAdmitted)
            }
            // Its own oldest connection that says nothing gives way, and nobody else's.
            gate.note(channels[0], heard: 1400)
            let entry = gate.enter(try peer("::ffff:192.0.2.1"), channels[32], now: 100)
            #expect(entry.isAdmitted && entry.givingWay.count == 1 && entry.givingWay.first === channels[1])
            #expect(gate.channels.count == 32)
            #expect(gate.enter(try peer("192.0.2.2"), channels[33], now: 101).givingWay.isEmpty)
            #expect(gate.channels.count == 33)
        }
    }

    /// Who sends a byte now and then stands hardly better than who says nothing.
    @Test func aByteBuysNoPlace() throws {
        let gate = gate(perAddress: 3)
        let one = try peer("192.0.2.1")
        try withChannels(5) { channels in
            for (number, channel) in channels.prefix(3).enumerated() {
                _ = gate.enter(one, channel, now: Int64(number) * 1000)
            }
            gate.note(channels[0], heard: 40)
            gate.note(channels[1], heard: 500)
            #expect(gate.enter(one, channels[3], now: 4000).givingWay.first === channels[0])
            // One that had said nothing for two seconds, before the one of which a third has come.
            #expect(gate.enter(one, channels[4], now: 4001).givingWay.first === channels[2])
        }
    }

    @Test func wherePacketsWaitNobodyGivesWay() throws {
        let gate = gate(perAddress: 3)
        let one = try peer("192.0.2.1")
        try withChannels(5) { channels in
            for channel in channels.prefix(3) {
                _ = gate.enter(one, channel, now: 0)
                #expect(gate.admitPacket(one, now: 0) == .stranger)
                gate.noteWhole(channel)
            }
            let entry = gate.enter(one, channels[3], now: 1)
            #expect(!entry.isAdmitted && entry.givingWay.isEmpty)
            gate.leave(channels[1])
            #expect(gate.enter(one, channels[4], now: 2).isAdmitted)
        }
    }

    /// 32 silent connections from the address that a known source shares.
    @Test func aKnownSourcesAddressHasPlacesOfItsOwn() throws {
        let gate = gate()
        let shared = try peer("192.0.2.1")
        sources.note(shared.network)
        try withChannels(129) { channels in
            for channel in channels.prefix(128) {
                let entry = gate.enter(shared, channel, now: 0)
                #expect(entry.isAdmitted && entry.givingWay.isEmpty)
            }
            let entry = gate.enter(shared, channels[128], now: 1)
            #expect(entry.isAdmitted && entry.givingWay.count == 2)
        }
    }

    /// 600 small packets from the address that a known source shares, within a second; and many more.
    @Test func aKnownSourcesAddressHasPacketsOfItsOwn() throws {
        let gate = gate()
        let (shared, other) = (try peer("192.0.2.1"), try peer("192.0.2.2"))
        sources.note(shared.network)
        for _ in 0..<6000 { #expect(gate.admitPacket(shared, now: 7) == .source) }
        #expect(gate.admitPacket(shared, now: 7) == .spare)
        for _ in 0..<600 { #expect(gate.admitPacket(other, now: 7) == .stranger) }
        #expect(gate.admitPacket(other, now: 7) == .spare)
    }

    /// 65,536 addresses of one IPv6 /48, and as many IPv4 addresses again: no table is full.
    @Test func howeverManyAddressesThereAreNoneIsRefused() throws {
        let gate = gate()
        let source = try peer("2001:db8:8::1")
        sources.note(source.network)
        var turns: [Gate.Turn?] = []
        for number in 0..<65536 { turns.append(gate.admitPacket(try peer(inNetwork: number), now: 1)) }
        // What any /48 may have: sixteen times as much as an address; the rest only as far as nothing else waits.
        #expect((16 * 600 - 100...16 * 600).contains(turns.count { $0 == .stranger }))
        #expect(turns.contains { $0 == nil })
        #expect(gate.admitPacket(source, now: 1) == .source)
        for number in 0..<70_000 {
            let address = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
            guard gate.admitPacket(try peer(address), now: 1) == .stranger else {
                Issue.record("\(address) was refused")
                break
            }
        }
        #expect(gate.admitPacket(try peer("192.0.2.1"), now: 1) == .stranger)
        #expect(gate.admitPacket(source, now: 1) == .source)
    }

    /// 4,096 silent connections from one /57.
    @Test func aWiderNetworkIsBoundedToo() throws {
        let gate = gate()
        try withChannels(4097) { channels in
            for (number, channel) in channels.dropLast().enumerated() {
                #expect(gate.enter(try peer(inNetwork: number % 128), channel, now: Int64(number)).isAdmitted)
            }
            #expect(gate.channels.count <= 4 * 32)
            let entry = gate.enter(try peer("192.0.2.1"), channels[4096], now: 5000)
            #expect(entry.isAdmitted && entry.givingWay.isEmpty)
        }
    }

    /// And from all of a /48.
    @Test func theWidestNetworkIsBoundedToo() throws {
        let gate = gate()
        try withChannels(4097) { channels in
            for (number, channel) in channels.dropLast().enumerated() {
                let one = try peer(inNetwork: number * 16)
                #expect(gate.enter(one, channel, now: Int64(number)).isAdmitted)
            }
            #expect(gate.channels.count <= 16 * 32)
            let entry = gate.enter(try peer("192.0.2.1"), channels[4096], now: 5000)
            #expect(entry.isAdmitted && entry.givingWay.isEmpty)
        }
    }

    /// All of IPv4 behind one translator's prefix, which is one /64.
    @Test func thoseBehindATranslatorAreCountedApart() throws {
        let gate = gate()
        for number in 0..<2000 {
            let address = "64:ff9b::a00:\(String(number, radix: 16))"
            guard gate.admitPacket(try peer(address), now: 1) == .stranger else {
                Issue.record("\(address) was refused")
                break
            }
        }
        try withChannels(66) { channels in
            for (number, channel) in channels.prefix(64).enumerated() {
                let entry = gate.enter(try peer("64:ff9b::a00:\(number / 32 + 1)"), channel, now: 0)
                #expect(entry.isAdmitted && entry.givingWay.isEmpty)
            }
            #expect(gate.enter(try peer("64:ff9b::a00:1"), channels[64], now: 1).givingWay.first != nil)
            #expect(gate.enter(try peer("10.0.0.3"), channels[65], now: 1).givingWay.isEmpty)
        }
    }

    /// Strangers have taken all places that they can.
    @Test func aFullSinkHasPlacesForKnownSources() throws {
        let gate = gate(connections: 320, perAddress: 10)
        try withChannels(400) { channels in
            // 280 of 320: their packets have come, so none of them gives way.
            for number in 0..<280 {
                let stranger = try peer("10.0.\(number / 256).\(number % 256)")
                #expect(gate.enter(stranger, channels[number], now: 0).isAdmitted)
                gate.noteWhole(channels[number])
            }
            #expect(!gate.enter(try peer("192.0.2.1"), channels[280], now: 1).isAdmitted)
            for number in 0..<40 {
                let source = try peer("10.1.0.\(number)")
                sources.note(source.network)
                #expect(gate.enter(source, channels[300 + number], now: 2).isAdmitted)
            }
            // Now nothing is free: of the sources' connections the oldest that says nothing gives way to another source.
            let another = try peer("10.1.1.1")
            sources.note(another.network)
            gate.note(channels[300], heard: 700)
            let entry = gate.enter(another, channels[350], now: 3)
            #expect(entry.isAdmitted && entry.givingWay.count == 5)
            #expect(!entry.givingWay.contains { $0 === channels[300] })
        }
    }

    /// Strangers' silent connections give way to new ones, and no source's to a stranger's.
    @Test func allTogetherAreBounded() throws {
        let gate = gate(connections: 320, perAddress: 10)
        let source = try peer("192.0.2.9")
        sources.note(source.network)
        try withChannels(282) { channels in
            #expect(gate.enter(source, channels[281], now: -5).isAdmitted)
            for number in 0..<280 {
                let entry = gate.enter(
                    try peer("10.0.\(number / 256).\(number % 256)"), channels[number], now: Int64(number))
                #expect(entry.isAdmitted && entry.givingWay.isEmpty)
            }
            let entry = gate.enter(try peer("192.0.2.1"), channels[280], now: 1000)
            #expect(entry.isAdmitted)
            #expect(entry.givingWay.map { ObjectIdentifier($0) } == channels.prefix(5).map { ObjectIdentifier($0) })
        }
    }

    @Test func onePeerCannotTakeAllOfTheTime() throws {
        let gate = gate(packets: 3)
        let (one, other) = (try peer("192.0.2.1"), try peer("192.0.2.2"))
        for now in [5, 6, 7] as [Int64] { #expect(gate.admitPacket(one, now: now) == .stranger) }
        #expect(gate.admitPacket(one, now: 8) == .spare)
        #expect(gate.admitPacket(one, now: 20_004) == .spare)
        #expect(gate.admitPacket(other, now: 8) == .stranger)
        #expect(gate.admitPacket(one, now: 20_005) == .stranger)
        #expect(gate.admitPacket(one, now: 20_006) == .spare)
        // Three hundred a minute are looked at where there is nothing else to do, five of them within a second.
        #expect((0..<10).map { _ in gate.admitPacket(one, now: 50_000) }.count { $0 == nil } == 4)
    }

    @Test func theListOfSourcesIsBounded() throws {
        let first = try peer("192.0.2.1").network
        sources.note(first)
        time.pass(1)
        for number in 0..<1024 {
            sources.note(try peer("10.0.\(number >> 8).\(number & 255)").network)
            if number < 1023 { #expect(sources.contains(first)) }
        }
        // The one that was silent longest is forgotten.
        #expect(!sources.contains(first))
        #expect(sources.all.count == 1024)
    }
}

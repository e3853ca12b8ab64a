import Testing

@testable import EntropySource

/// How many deliveries a link is given at once, with the time in hand.
@Suite struct LinkWindowTests {
    @Test func itGrowsOnAFastLinkUpToItsLimit() {
        var window = LinkWindow(largest: 32)
        #expect(window.size == 1)
        for number in 0..<100 { window.acknowledged(sentAt: Int64(number), now: Int64(number) + 50) }
        #expect(window.size == 32)
        #expect(LinkWindow(largest: 1).size == 1 && LinkWindow(largest: 0).size == 1)
        #expect(window.connections == 32 && LinkWindow(largest: 2).connections == 2)
    }

    /// Names that nobody knows: three hundred of them are being looked up within a second, four places at a time. On a slow
    /// link their questions would take the packets' place.
    @Test func namesAreLookedUpBesideEachOther() {
        var window = LinkWindow(largest: 32)
        #expect(300 * window.lookupPatience / Int64(window.connections) < 1000)
        window.acknowledged(sentAt: 0, now: 3_000)
        #expect(window.isSlow && window.lookupPatience >= 1000)
    }

    /// A link that was fast, and is one of 100 bytes/s now, where a packet of 1,500 bytes takes fifteen seconds.
    @Test func itComesDownToOneOnASlowLink() {
        var window = LinkWindow(largest: 32)
        for number in 0..<100 { window.acknowledged(sentAt: Int64(number), now: Int64(number) + 50) }
        var now: Int64 = 1000
        for _ in 0..<6 {
            let start = now
            now += Int64(window.size) * 15_000
            for _ in 0..<window.size { window.acknowledged(sentAt: start, now: now) }
        }
        #expect(window.size == 1 && window.connections == 1)
    }

    /// 2,000 bytes/s: a packet takes 750 ms, three at once more than two seconds.
    @Test func itStaysWhereTheLinkIsUsedAndNotOverrun() {
        var window = LinkWindow(largest: 32)
        var now: Int64 = 0
        var sizes: [Int] = []
        for _ in 0..<50 {
            let start = now
            let count = window.size
            for place in 1...count { window.acknowledged(sentAt: start, now: start + Int64(place) * 750) }
            now = start + Int64(count) * 750
            sizes.append(window.size)
        }
        #expect(sizes.max() ?? 0 <= 5 && sizes.min() ?? 0 >= 1)
        #expect(sizes.filter { $0 > 1 }.count > 25)
    }

    @Test func oneSlowWayDoesNotHoldUpAFastLink() {
        var window = LinkWindow(largest: 8)
        // Sent at 0, and never acknowledged: it holds its place as long as nobody shows that the link is good, and it may
        // have been on a slow one all the time.
        #expect(window.isHeld(sentAt: 0, now: 2000) && window.isHeld(sentAt: 0, now: 20_000))
        #expect(!window.isHeld(sentAt: 0, now: 20_001))
        window.acknowledged(sentAt: 1000, now: 1100)
        #expect(window.isHeld(sentAt: 0, now: 2000))
        #expect(!window.isHeld(sentAt: 0, now: 2001))
        // And when it comes after all, the link is not to blame.
        let size = window.size
        window.acknowledged(sentAt: 0, now: 70_000)
        #expect(window.size == size)
    }

    @Test func patienceFollowsWhatConnectionsTake() {
        var window = LinkWindow(largest: 8)
        #expect(window.patience == 500)
        // RFC 6298, 2.2: the first one, and half of it as its variation.
        window.connected(after: 100)
        #expect(window.patience == 100 + 4 * 50)
        for _ in 0..<50 { window.connected(after: 100) }
        #expect((100...120).contains(window.patience))
        for _ in 0..<100 { window.connected(after: 1) }
        #expect(window.patience == 50)
        for _ in 0..<20 { window.connected(after: 3000) }
        #expect(window.patience == 1000)
        window.connected(after: .max / 16)
        #expect(window.patience == 1000)
        // Behind a packet that takes three seconds, an attempt to connect takes as long.
        window.acknowledged(sentAt: 0, now: 3000)
        #expect(window.patience == 3000)
        window.acknowledged(sentAt: 3000, now: 3100)
        #expect(window.patience == 1000)
    }
}

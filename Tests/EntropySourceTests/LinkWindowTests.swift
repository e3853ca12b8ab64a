import Testing

@testable import EntropySource

/// How many deliveries a link is given at once, with the time in hand.
@Suite struct LinkWindowTests {
    @Test func itGrowsOnAFastLinkUpToItsLimit() {
        var window = LinkWindow(largest: 32)
        #expect(window.size == 2)
        for number in 0..<100 { window.acknowledged(sentAt: Int64(number), now: Int64(number) + 50) }
        #expect(window.size == 32)
        #expect(LinkWindow(largest: 1).size == 1 && LinkWindow(largest: 0).size == 1)
    }

    /// A link of 100 bytes/s, where a packet of 1,500 bytes takes fifteen seconds for each that shares it.
    @Test func itComesDownToOneOnASlowLink() {
        var window = LinkWindow(largest: 32)
        var now: Int64 = 0
        for _ in 0..<6 {
            let start = now
            now += Int64(window.size) * 15_000
            for _ in 0..<window.size { window.acknowledged(sentAt: start, now: now) }
        }
        #expect(window.size == 1)
    }

    /// 500 bytes/s: two at once arrive in six seconds, four in twelve, which is too long.
    @Test func itStaysWhereTheLinkIsUsedAndNotOverrun() {
        var window = LinkWindow(largest: 32)
        var now: Int64 = 0
        var sizes: [Int] = []
        for _ in 0..<50 {
            let start = now
            let count = window.size
            for place in 1...count { window.acknowledged(sentAt: start, now: start + Int64(place) * 3000) }
            now = start + Int64(count) * 3000
            sizes.append(window.size)
        }
        #expect(sizes.max() ?? 0 <= 6 && sizes.min() ?? 0 >= 1)
    }

    @Test func oneSlowWayDoesNotHoldUpAFastLink() {
        var window = LinkWindow(largest: 8)
        // Sent at 0, and never acknowledged: it holds its place as long as nobody shows that the link is good.
        #expect(window.isHeld(sentAt: 0, now: 8000) && window.isHeld(sentAt: 0, now: 60_000))
        window.acknowledged(sentAt: 1000, now: 1100)
        #expect(window.isHeld(sentAt: 0, now: 8000))
        #expect(!window.isHeld(sentAt: 0, now: 8001))
        // And when it comes after all, the link is not to blame.
        let size = window.size
        window.acknowledged(sentAt: 0, now: 70_000)
        #expect(window.size == size)
    }
}

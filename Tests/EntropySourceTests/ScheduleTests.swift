import EntropyCrypto
import EntropyState
import Testing

@testable import EntropySource

/// When a target gets its next packet, with chance in hand.
@Suite struct ScheduleTests {
    /// Six hours, a scan every minute.
    func schedule(_ random: UInt64) -> Schedule { Schedule(interval: 21600, scan: 60, random: { random }) }

    @Test func theNextPacketIsATenthMoreOrLessAway() {
        // 21,600 s: from 19,440 to 23,760, both included.
        #expect(schedule(0).spread() == 19440)
        #expect(schedule(2160).spread() == 21600)
        #expect(schedule(4320).spread() == 23760)
        #expect(schedule(4321).spread() == 19440)
        #expect(schedule(0).longest == 23760)
        #expect(Schedule(interval: 1, scan: 1, random: { 7 }).spread() == 1)
        // A day at the most: an interval of a hundred days is not spread over twenty.
        #expect(Schedule(interval: 8_640_000, scan: 60, random: { 0 }).spread() == 8_640_000 - 86400)
        for random in [0, 1, UInt64.max] {
            #expect(Schedule(interval: .max, scan: .max, random: { random }).spread() > 0)
        }
        var generator = SystemRandomNumberGenerator()
        let spread = (0..<1000).map { _ in Schedule(interval: 21600, scan: 60, random: { generator.next() }).spread() }
        #expect(spread.allSatisfy { (19440...23760).contains($0) })
        #expect(Set(spread).count > 500)
    }

    @Test func failuresAreRetriedLaterAndLater() {
        // Doubled from the scan on, up to the interval; at least half of it.
        for (failures, longest) in [
            (1, 60), (2, 120), (3, 240), (9, 15360), (10, 21600), (11, 21600), (Int.max, 21600),
        ] {
            #expect(schedule(0).retry(after: failures) == Int64(longest / 2))
            #expect(schedule(UInt64(longest / 2)).retry(after: failures) == Int64(longest))
            #expect(schedule(UInt64.max).retry(after: failures) <= Int64(longest))
        }
        // An interval that is shorter than a scan changes nothing about the scan.
        #expect(Schedule(interval: 10, scan: 60, random: { 30 }).retry(after: 5) == 60)
        #expect(Schedule(interval: .max, scan: .max, random: { 0 }).retry(after: 40) == Int64.max / 2 + 1)
    }

    @Test func theOrderIsByChance() {
        var generator = SystemRandomNumberGenerator()
        let schedule = Schedule(interval: 1, scan: 1, random: { generator.next() })
        let firsts = (0..<200).map { _ in
            let order = schedule.shuffled(Array(0..<10))
            #expect(order.sorted() == Array(0..<10))
            return order[0]
        }
        // One that is missing among 200 tries is as likely as (9/10)^200, for any of ten.
        #expect(Set(firsts).count == 10)
        #expect(schedule.shuffled([] as [Int]).isEmpty && schedule.shuffled([7]) == [7])
    }

    @Test func aTargetThatFailsIsLeftAloneForAWhile() throws {
        var backOff = BackOff()
        let (one, other) = (try Target.example("a:1"), try Target.example("b:1"))
        let schedule = schedule(0)
        #expect(backOff.fail(one, schedule, now: 1000) == 30)
        #expect(!backOff.isDue(one, now: 30999) && backOff.isDue(one, now: 31000))
        #expect(backOff.isDue(other, now: 0))
        #expect(backOff.wait(of: one, now: 1000) == 30 && backOff.wait(of: other, now: 1000) == nil)
        #expect(backOff.fail(one, schedule, now: 31000) == 60)
        #expect(!backOff.isDue(one, now: 90999) && backOff.isDue(one, now: 91000))
        backOff.keep([one.identity])
        #expect(!backOff.isDue(one, now: 0))
        // Served, or gone from the list: forgotten.
        backOff.clear(one)
        #expect(backOff.isDue(one, now: 0))
        #expect(backOff.fail(one, schedule, now: 0) == 30)
        backOff.keep([other.identity])
        #expect(backOff.isDue(one, now: 0))
        _ = backOff.fail(other, Schedule(interval: .max, scan: .max, random: { .max }), now: .max - 5)
        #expect(!backOff.isDue(other, now: .max - 1))
        // Seconds whose milliseconds just fit in 64 bits: the sum with the clock does not.
        let longest = Int64.max / 1000
        #expect(
            backOff.fail(one, Schedule(interval: longest, scan: longest, random: { UInt64(longest / 2) }), now: 5000)
                >= longest - 1)
        #expect(!backOff.isDue(one, now: .max - 1))
    }
}

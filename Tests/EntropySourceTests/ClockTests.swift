import EntropyState
import Platform
import Testing

@testable import EntropySource

/// A wall clock that is wrong, jumps, or is set, beside a monotonic one: both in hand.
@Suite struct ClockTests {
    final class Hands: @unchecked Sendable {
        var unix: Int64 = 2000
        /// A moment that is not zero: no clock has to start there.
        var milliseconds: Int64 = 123_456

        /// Both go on.
        func pass(_ seconds: Int64) {
            unix += seconds
            milliseconds += seconds * 1000
        }
    }

    let hands = Hands()

    func watch() -> ClockWatch {
        let hands = hands
        return ClockWatch(Clock(unixTime: { hands.unix }, milliseconds: { hands.milliseconds }), earliest: 1000)
    }

    @Test func aClockThatGoesIsGood() {
        var watch = watch()
        for seconds in [0, 1, 60, 86400, 3_000_000] as [Int64] {
            hands.pass(seconds)
            #expect(watch.look() == .good)
        }
        // NTP's slewing: 500 millionths, looked at once in six hours.
        hands.pass(21600)
        hands.unix += 11
        #expect(watch.look() == .good)
    }

    @Test(arguments: [11, -11, 10_800, -10_800, 1 << 40] as [Int64]) func aJumpIsToldOnceAndWaitedOut(_ jump: Int64) {
        hands.unix = 1 << 41
        var watch = watch()
        #expect(watch.look() == .good)
        hands.pass(1)
        hands.unix += jump
        #expect(watch.look() == .jumped(jump))
        hands.pass(59)
        #expect(watch.look() == .settling)
        hands.pass(1)
        #expect(watch.look() == .good)
    }

    @Test func aClockThatIsSetForTheFirstTimeDoesNotJump() {
        hands.unix = 5
        var watch = watch()
        #expect(watch.look() == .notSet(5))
        hands.pass(10)
        #expect(watch.look() == .notSet(15))
        hands.unix = 1_800_000_000
        #expect(watch.look() == .good)
        // And one that falls back before its time is not set again.
        hands.unix = 0
        #expect(watch.look() == .notSet(0))
    }

    static let borders: [Int64] = [.min, .max, .max - 1, 1 << 31, 1 << 32, 9_223_372_036_854_776]

    @Test(arguments: borders) func noTimeTraps(_ time: Int64) {
        var watch = watch()
        _ = watch.look()
        hands.unix = time
        _ = watch.look()
        hands.milliseconds = .max
        _ = watch.look()
        hands.unix = ~time
        _ = watch.look()
    }

    @Test func intervalsAreCountedByTheMonotonicClock() throws {
        var agenda = Agenda()
        let start = Agenda.Moment(unix: 5000, milliseconds: 1000)
        let fresh = try Target.example("a:1", next: 5000)
        #expect(agenda.isDue(fresh, start))
        #expect(!agenda.isDue(try Target.example("a:1", next: 5001), start))
        let next = agenda.serve(fresh, again: 600, start)
        #expect(next == 5600)
        // Until it is known to be in the list, what stood there before is no operator's.
        #expect(agenda.knows(fresh) && !agenda.isDue(fresh, Agenda.Moment(unix: 9000, milliseconds: 600_999)))
        agenda.written()
        #expect(!agenda.knows(fresh))
        let served = try Target.example("a:1", next: next)
        #expect(agenda.knows(served))
        // The wall clock runs away, and comes back: ten minutes are ten minutes.
        for unix in [0, 5600, .max] as [Int64] {
            #expect(!agenda.isDue(served, Agenda.Moment(unix: unix, milliseconds: 600_999)))
            #expect(agenda.isDue(served, Agenda.Moment(unix: unix, milliseconds: 601_000)))
        }
        // What an operator writes holds, by the wall clock.
        let edited = try Target.example("a:1", next: 5100)
        #expect(!agenda.isDue(edited, Agenda.Moment(unix: 5099, milliseconds: 700_000)))
        #expect(agenda.isDue(edited, Agenda.Moment(unix: 5100, milliseconds: 1001)))
        // After a jump `Next` is written anew, by what is left of the interval.
        let later = Agenda.Moment(unix: 100_000, milliseconds: 401_000)
        #expect(agenda.recompute([served, try Target.example("b:1", next: 7)], later).count == 1)
        #expect(agenda.knows(try Target.example("a:1", next: 100_200)) && agenda.knows(served))
        // It could not be written: the next look computes it again.
        #expect(agenda.recompute([served], later).count == 1)
        agenda.written()
        #expect(!agenda.knows(served))
        agenda.keep([])
        #expect(!agenda.knows(try Target.example("a:1", next: 100_200)))
        _ = agenda.serve(fresh, again: .max, Agenda.Moment(unix: .max, milliseconds: .max))
    }
}

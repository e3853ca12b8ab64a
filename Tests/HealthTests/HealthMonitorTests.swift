import Health
import Testing

@Suite struct HealthMonitorTests {
    /// Fails the repetition count test of a source with eight bits per byte, once.
    static let stuck = [UInt8](repeating: 9, count: Cutoff.repetition(entropy: 8))

    @Test func aStartUpTestTakesExactlyItsBytes() {
        var noise = GoodBytes(seed: 1)
        for sizes in [[1024], [1023, 1], [1, 1023], [512, 511, 1]] {
            var monitor = HealthMonitor(entropy: 8)
            #expect(monitor.status == .untested)
            #expect(monitor.add([]) == nil)
            for size in sizes {
                #expect(monitor.status == .untested)
                #expect(monitor.add(noise.take(size)) == nil)
            }
            #expect(monitor.status == .healthy)
            #expect(monitor.failures == 0)
        }
    }

    @Test func aFailureDemandsANewStartUpTest() {
        var noise = GoodBytes(seed: 2)
        var monitor = HealthMonitor(entropy: 8)
        #expect(monitor.add(noise.take(1024)) == nil)
        #expect(monitor.add(HealthMonitorTests.stuck) == .repetition(count: 5))
        #expect(monitor.status == .intermittent)
        #expect(monitor.failures == 1)
        #expect(monitor.add(noise.take(1023)) == nil)
        #expect(monitor.status == .intermittent)
        #expect(monitor.add(noise.take(1)) == nil)
        #expect(monitor.status == .healthy)
        #expect(monitor.failures == 0)
    }

    @Test func aFailureDuringTheStartUpTestBeginsItAnew() {
        var noise = GoodBytes(seed: 3)
        var monitor = HealthMonitor(entropy: 8)
        #expect(monitor.add(noise.take(1000)) == nil)
        #expect(monitor.add(HealthMonitorTests.stuck) != nil)
        #expect(monitor.status == .intermittent)
        #expect(monitor.add(noise.take(1000)) == nil)
        #expect(monitor.status == .intermittent)
        #expect(monitor.add(noise.take(24)) == nil)
        #expect(monitor.status == .healthy)
    }

    @Test func nothingIsLeftOfWhatFailed() {
        // The run that failed ends with it: the next bytes begin their own.
        var monitor = HealthMonitor(entropy: 8)
        #expect(monitor.add(HealthMonitorTests.stuck) != nil)
        #expect(monitor.add(Array(HealthMonitorTests.stuck.dropLast())) == nil)
        #expect(monitor.failures == 1)
    }

    @Test func tenFailuresInARowAreForGood() {
        var noise = GoodBytes(seed: 4)
        var monitor = HealthMonitor(entropy: 8)
        #expect(monitor.add(noise.take(1024)) == nil)
        for number in 1...9 {
            #expect(monitor.add(HealthMonitorTests.stuck) != nil)
            #expect(monitor.status == .intermittent)
            #expect(monitor.failures == number)
            // Good bytes that are too few for a start-up test.
            #expect(monitor.add(noise.take(1023)) == nil)
        }
        #expect(monitor.add(HealthMonitorTests.stuck) != nil)
        #expect(monitor.status == .permanent)
        #expect(monitor.add(noise.take(4096)) == nil)
        #expect(monitor.status == .permanent)
    }

    @Test func failuresAreForgottenOnceItIsHealthy() {
        var noise = GoodBytes(seed: 5)
        var monitor = HealthMonitor(entropy: 8)
        for _ in 0..<3 {
            for _ in 0..<9 { #expect(monitor.add(HealthMonitorTests.stuck) != nil) }
            #expect(monitor.failures == 9)
            #expect(monitor.add(noise.take(1024)) == nil)
            #expect(monitor.status == .healthy)
            #expect(monitor.failures == 0)
        }
    }

    @Test func eachTestIsListenedTo() {
        var noise = GoodBytes(seed: 6)
        var monitor = HealthMonitor(entropy: 8)
        // 42 is every twentieth byte, never in a row.
        let often = (0..<512).map { $0 % 20 == 0 ? UInt8(42) : UInt8(truncatingIfNeeded: $0 &* 181 | 1) }
        #expect(monitor.add(often) == .proportion(count: Cutoff.proportion(entropy: 8)))
        let block = noise.take(16)
        #expect(monitor.add(block + noise.take(32) + block) == .stuckBlock(size: 16))
        #expect(monitor.failures == 2)
    }

    @Test func aSourceThatClaimsLittleMayRepeatItself() {
        var noise = GoodBytes(seed: 7)
        for bits in [1, 2, 4] {
            var monitor = HealthMonitor(entropy: Double(bits))
            #expect(monitor.add(noise.take(100_000, bits: bits)) == nil)
            #expect(monitor.status == .healthy)
            // The same noise under the claim of eight bits.
            monitor = HealthMonitor(entropy: 8)
            #expect(monitor.add(noise.take(1024, bits: bits)) != nil)
        }
    }
}

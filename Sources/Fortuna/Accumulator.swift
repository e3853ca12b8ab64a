import EntropyCrypto
import Platform

/// Fortuna (Cryptography Engineering, 9.5): 32 pools that gather events from noise sources, and the generator that they
/// reseed. Pool i takes part in every 2ⁱ-th reseed, so that some pool recovers from any compromise.
public final class Accumulator {
    public static let poolCount = 32
    /// Bytes of one event's data.
    public static let eventSizes = 1...32
    /// Milliseconds between two reseeds at the least.
    static let reseedInterval: Int64 = 100

    private final class Pool {
        var hash = SHA256()
        var count = 0
    }

    private var generator = Generator()
    private let pools: [Pool]
    private let minimumPoolSize: Int
    private let clock: Clock
    private var reseedCount: UInt64 = 0
    private var lastReseed: Int64 = 0

    /// A first reseed needs `minimumPoolSize` bytes in pool 0, each event's two-byte header included.
    public init(clock: Clock, minimumPoolSize: Int = 64) {
        self.clock = clock
        self.minimumPoolSize = minimumPoolSize
        pools = (0..<Accumulator.poolCount).map { _ in Pool() }
    }

    /// Adds what a source measured to one pool. `data` has 1 to 32 bytes; `pool` is 0 to 31, and each source is to go
    /// through them in turn.
    public func addEvent(source: UInt8, pool: Int, data: [UInt8]) {
        precondition(Accumulator.eventSizes.contains(data.count), "an event has 1 to 32 bytes")
        let pool = pools[pool]
        pool.hash.update([source, UInt8(data.count)])
        pool.hash.update(data)
        pool.count += data.count + 2
    }

    /// True when pool 0 has gathered enough for the next reseed.
    public var canReseed: Bool { pools[0].count >= minimumPoolSize }

    /// `count` bytes of output, at most 2²⁰, after a reseed where one is due. Fails before the first reseed: a seed file
    /// alone does not count as seeded.
    public func read(_ count: Int) throws(FortunaError) -> [UInt8] {
        reseedWhenDue()
        guard reseedCount > 0 else { throw .notSeeded }
        return try generator.read(count)
    }

    /// Mixes a saved seed into the generator.
    func mix(seed: [UInt8]) { generator.reseed(seed) }

    private func reseedWhenDue() {
        guard canReseed else { return }
        let now = clock.milliseconds()
        guard reseedCount == 0 || now - lastReseed >= Accumulator.reseedInterval else { return }
        lastReseed = now
        reseedCount += 1
        var seed: [UInt8] = []
        for number in Accumulator.pools(usedBy: reseedCount) {
            seed += SHA256.hash(pools[number].hash.finish())
            pools[number].count = 0
        }
        generator.reseed(seed)
        wipe(&seed)
    }

    /// The pools of the `count`-th reseed: pool i when 2ⁱ divides the count.
    static func pools(usedBy count: UInt64) -> ClosedRange<Int> {
        0...min(count.trailingZeroBitCount, poolCount - 1)
    }

    /// For known-answer tests only: not public.
    var generatorState: (key: [UInt8], counter: UInt64) { generator.state }
}

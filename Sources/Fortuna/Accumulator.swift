import EntropyCrypto
import Platform

/// Fortuna (Cryptography Engineering, 9.5): 32 pools that gather events from noise sources, and the generator that they
/// reseed. Pool i takes part in every 2ⁱ-th reseed, so that some pool recovers from any compromise. What is secret in it
/// lies in guarded memory.
public final class Accumulator {
    public static let poolCount = 32
    /// Bytes of one event's data.
    public static let eventSizes = 1...32
    /// Milliseconds between two reseeds at the least.
    static let reseedInterval: Int64 = 100

    private var generator = Generator()
    /// One hash for each pool, and one for the generator's next key.
    private var pools = SecretHashes(count: poolCount + 1)
    private var digest = SecretBytes(count: SHA256.size)
    /// Bytes in pool 0, or so many that it matters no more.
    private var firstPoolCount = 0
    private let minimumPoolSize: Int
    private let clock: Clock
    private var reseedCount: UInt64 = 0
    private var lastReseed: Int64 = 0
    /// Bytes of output so far.
    public private(set) var outputCount: UInt64 = 0

    /// A first reseed needs `minimumPoolSize` bytes in pool 0, each event's two-byte header included.
    public init(clock: Clock, minimumPoolSize: Int = 64) {
        self.clock = clock
        self.minimumPoolSize = minimumPoolSize
    }

    /// Adds what a source measured to one pool. `data` has 1 to 32 bytes; `pool` is 0 to 31, and each source is to go
    /// through them in turn.
    public func addEvent(source: UInt8, pool: Int, data: [UInt8]) {
        precondition(Accumulator.eventSizes.contains(data.count), "an event has 1 to 32 bytes")
        precondition((0..<Accumulator.poolCount).contains(pool), "there are 32 pools")
        pools.update(pool, [source, UInt8(data.count)])
        pools.update(pool, data)
        if pool == 0, !canReseed { firstPoolCount += data.count + 2 }
    }

    /// True when pool 0 has gathered enough for the next reseed.
    public var canReseed: Bool { firstPoolCount >= minimumPoolSize }

    /// `count` bytes of output, at most 2²⁰, after a reseed where one is due. Fails before the first reseed: a seed file
    /// alone does not count as seeded. Fails in a copy of the process that made this value.
    public func read(_ count: Int) throws(FortunaError) -> [UInt8] {
        reseedWhenDue()
        guard reseedCount > 0 else { throw .notSeeded }
        let output = try generator.read(count)
        outputCount &+= UInt64(count)
        return output
    }

    /// Mixes a saved seed into the generator, and what goes with it.
    func mix(seed: [UInt8], _ more: [UInt8]) {
        generator.reseed(&pools, Accumulator.poolCount) { pools in
            pools.update(Accumulator.poolCount, seed)
            pools.update(Accumulator.poolCount, more)
        }
    }

    private func reseedWhenDue() {
        guard canReseed else { return }
        let now = clock.milliseconds()
        guard reseedCount == 0 || now - lastReseed >= Accumulator.reseedInterval else { return }
        lastReseed = now
        reseedCount += 1
        let used = Accumulator.pools(usedBy: reseedCount)
        generator.reseed(&pools, Accumulator.poolCount) { pools in
            for pool in used {
                pools.finishTwice(pool, into: &digest)
                pools.update(Accumulator.poolCount, digest)
            }
        }
        firstPoolCount = 0
    }

    /// The pools of the `count`-th reseed: pool i when 2ⁱ divides the count.
    static func pools(usedBy count: UInt64) -> ClosedRange<Int> {
        0...min(count.trailingZeroBitCount, poolCount - 1)
    }

    /// For known-answer tests only: not public.
    var generatorState: (key: [UInt8], counter: UInt64) { generator.state }
}

import EntropyCrypto
import Platform

/// The power-on self-test of Fortuna: known answers of other implementations, computed anew before the first use. A program
/// whose file, libraries or processor are damaged shall not give out what only looks random.
public enum SelfTest {
    /// Fails where one answer is not as known.
    public static func run() throws(FortunaError) {
        guard isDigestRight() else { throw .selfTest("SHAd-256") }
        guard try isGeneratorRight() else { throw .selfTest("Fortuna's generator") }
        guard try isAccumulatorRight() else { throw .selfTest("Fortuna's accumulator") }
    }

    private static func isDigestRight() -> Bool {
        var hash = SecretHashes(count: 1)
        var digest = SecretBytes(count: SHA256.size)
        hash.update(0, Array("abc".utf8))
        hash.finishTwice(0, into: &digest)
        return matches(digest.copyBytes(), "4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358")
    }

    /// PyCrypto's: the second answer needs the key that follows the first one.
    private static func isGeneratorRight() throws(FortunaError) -> Bool {
        var generator = Generator()
        generator.reseed(Array("Hello".utf8))
        let first = try generator.read(32)
        let second = try generator.read(32)
        return matches(first, "7cbe2c17684ac223d08969ee8b565616717661c0d2f4758bd6ba140bf3791abd")
            && matches(second, "fd6648ba3086e919cee34904ef09a7ff021f77580558b8c3e9248275f23042bf")
    }

    /// PyCrypto's: 32 times X, twice, in each pool.
    private static func isAccumulatorRight() throws(FortunaError) -> Bool {
        let accumulator = Accumulator(clock: Clock(unixTime: { 0 }, milliseconds: { 0 }))
        let event = [UInt8](repeating: UInt8(ascii: "X"), count: 32)
        for _ in 0..<2 {
            for pool in 0..<Accumulator.poolCount { accumulator.addEvent(source: 42, pool: pool, data: event) }
        }
        return matches(
            try accumulator.read(32), "b7b86bd9a27d96d7bb4add1b6b10d1572350b1c61253db2f8da233be726dc15f")
    }

    /// `digits` in hexadecimal, as other programs print it: whoever looks for a known answer in this program finds it.
    private static func matches(_ bytes: [UInt8], _ digits: StaticString) -> Bool {
        guard digits.utf8CodeUnitCount == 2 * bytes.count else { return false }
        return bytes.indices.allSatisfy { place in
            digit(bytes[place] >> 4) == digits.utf8Start[2 * place]
                && digit(bytes[place] & 15) == digits.utf8Start[2 * place + 1]
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

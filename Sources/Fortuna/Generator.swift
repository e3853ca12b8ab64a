import EntropyCrypto
import Platform

/// Fortuna's generator (Cryptography Engineering, 9.4): AES-256 in counter mode, a new key after every request.
struct Generator: ~Copyable {
    /// Bytes of one request at the most, so that its output is not told from random by the missing repetitions.
    static let maximumRequest = 1 << 20

    private var key = SecretBytes(count: AES256.keySize)
    private var cipher = AES256()
    private var counter = Counter()
    private let fork = ForkMark()

    /// 128 bits, the least significant byte first, on every machine.
    private struct Counter {
        var low: UInt64 = 0
        var high: UInt64 = 0

        mutating func advance() {
            low &+= 1
            if low == 0 { high &+= 1 }
        }

        /// Writes `number` counters, each 16 bytes, and counts on.
        mutating func fill(_ bytes: UnsafeMutablePointer<UInt8>, _ number: Int) {
            let memory = UnsafeMutableRawPointer(bytes)
            for place in 0..<number {
                memory.storeBytes(of: low.littleEndian, toByteOffset: 16 * place, as: UInt64.self)
                memory.storeBytes(of: high.littleEndian, toByteOffset: 16 * place + 8, as: UInt64.self)
                advance()
            }
        }
    }

    /// Mixes into the key what `hash`, one of `hashes`, takes after the key. It has no input before, and none afterwards.
    mutating func reseed(_ hashes: inout SecretHashes, _ hash: Int, _ input: (inout SecretHashes) -> Void) {
        hashes.update(hash, key)
        input(&hashes)
        hashes.finishTwice(hash, into: &key)
        counter.advance()
    }

    /// Mixes `seed` into the key.
    mutating func reseed(_ seed: [UInt8]) {
        var hash = SecretHashes(count: 1)
        reseed(&hash, 0) { $0.update(0, seed) }
    }

    /// `count` bytes. Fails before the first reseed, for more than 2²⁰ bytes, and in a copy of the process.
    mutating func read(_ count: Int) throws(FortunaError) -> [UInt8] {
        guard counter.low | counter.high != 0 else { throw .notSeeded }
        guard count <= Generator.maximumRequest else { throw .requestTooLarge }
        guard !fork.isInCopy else { throw .forked }
        // The output's blocks, and two more for the next key.
        let size = (count + AES256.blockSize - 1) / AES256.blockSize * AES256.blockSize
        cipher.setKey(key)
        var counter = counter
        var output = [UInt8](unsafeUninitializedCapacity: size + AES256.keySize) { buffer, initialized in
            initialized = size
            guard let bytes = buffer.baseAddress else { return }
            counter.fill(bytes, (size + AES256.keySize) / AES256.blockSize)
            cipher.encrypt(bytes, count: size + AES256.keySize)
            // It takes the place of this one, and nothing that either was derived from stays elsewhere.
            key.withUnsafeMutableBytes { $0.update(from: bytes + size, count: AES256.keySize) }
            wipe(UnsafeMutableRawBufferPointer(start: bytes + size, count: AES256.keySize))
        }
        cipher.eraseKey()
        self.counter = counter
        output.removeLast(output.count - count)
        return output
    }

    /// For known-answer tests only: not public.
    var state: (key: [UInt8], counter: UInt64) { (key.copyBytes(), counter.low) }
}

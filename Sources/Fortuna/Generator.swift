import EntropyCrypto

/// Fortuna's generator (Cryptography Engineering, 9.4): AES-256 in counter mode, a new key after every request.
struct Generator: ~Copyable {
    /// Bytes of one request at the most, so that its output is not told from random by the missing repetitions.
    static let maximumRequest = 1 << 20

    private var key = SecretBytes(count: AES256.keySize)
    private var counterLow: UInt64 = 0
    private var counterHigh: UInt64 = 0

    /// Mixes `seed` into the key.
    mutating func reseed(_ seed: [UInt8]) {
        var input = key.copyBytes() + seed
        var digest = shad256(input)
        key = SecretBytes(moving: &digest)
        wipe(&input)
        count()
    }

    /// `count` bytes. Fails before the first reseed, and for more than 2²⁰ bytes.
    mutating func read(_ count: Int) throws(FortunaError) -> [UInt8] {
        guard counterLow | counterHigh != 0 else { throw .notSeeded }
        guard count <= Generator.maximumRequest else { throw .requestTooLarge }
        let cipher = AES256(key: key)
        var output = blocks((count + AES256.blockSize - 1) / AES256.blockSize, cipher)
        output.removeLast(output.count - count)
        var next = blocks(2, cipher)
        key = SecretBytes(moving: &next)
        return output
    }

    private mutating func blocks(_ number: Int, _ cipher: borrowing AES256) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(number * AES256.blockSize)
        for _ in 0..<number {
            // The counter's least significant byte comes first, on every machine.
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: counterLow >> shift))
            }
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: counterHigh >> shift))
            }
            count()
        }
        cipher.encrypt(&bytes)
        return bytes
    }

    private mutating func count() {
        counterLow &+= 1
        if counterLow == 0 { counterHigh &+= 1 }
    }

    /// For known-answer tests only: not public.
    var state: (key: [UInt8], counter: UInt64) { (key.copyBytes(), counterLow) }
}

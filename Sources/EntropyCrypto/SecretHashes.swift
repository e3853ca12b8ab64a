import CSodium

/// SHA-256 (FIPS 180-4) of secret input, several at a time, with their states in guarded memory that is not swapped out and is
/// zeroed when this value dies. libsodium's, because OpenSSL keeps its states on the heap.
public struct SecretHashes: ~Copyable {
    private let states: UnsafeMutablePointer<crypto_hash_sha256_state>  // <sodium_allocarray>, owned
    public let count: Int

    /// `count` hashes, each without input.
    public init(count: Int) {
        guard sodium_init() >= 0, let memory = sodium_allocarray(count, MemoryLayout<crypto_hash_sha256_state>.stride)
        else {
            preconditionFailure("out of memory")
        }
        self.count = count
        states = memory.bindMemory(to: crypto_hash_sha256_state.self, capacity: count)
        for place in 0..<count { crypto_hash_sha256_init(states + place) }  // always returns 0
    }

    deinit { sodium_free(states) }

    public mutating func update(_ place: Int, _ bytes: [UInt8]) {
        precondition((0..<count).contains(place), "no such hash")
        crypto_hash_sha256_update(states + place, bytes, UInt64(bytes.count))  // always returns 0
    }

    public mutating func update(_ place: Int, _ bytes: borrowing SecretBytes) {
        precondition((0..<count).contains(place), "no such hash")
        let count = UInt64(bytes.count)
        let state = states + place
        bytes.withUnsafeBytes { _ = crypto_hash_sha256_update(state, $0, count) }  // always returns 0
    }

    /// Writes the digest into `digest`, which has 32 bytes; afterwards the hash is without input again.
    public mutating func finish(_ place: Int, into digest: inout SecretBytes) {
        precondition((0..<count).contains(place) && digest.count == SHA256.size, "a digest has 32 bytes")
        let state = states + place
        digest.withUnsafeMutableBytes { _ = crypto_hash_sha256_final(state, $0) }  // always returns 0
        crypto_hash_sha256_init(state)
    }
}

import CSodium

/// Bytes in guarded memory that is not swapped out and is zeroed when this value dies (sodium_malloc). It has no
/// description, and its bytes are lent only to a closure. It may cross threads: it has one owner, and only `mutating`
/// access writes.
public struct SecretBytes: ~Copyable, @unchecked Sendable {
    private let memory: UnsafeMutableRawPointer  // <sodium_malloc, or a slot of SecretSlots>, owned
    public let count: Int
    private let isSlot: Bool

    /// `count` zero bytes.
    public init(count: Int) {
        guard sodium_init() >= 0, let memory = sodium_malloc(max(1, count)) else {
            preconditionFailure("out of memory")  // as an Array would
        }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: max(1, count))
        self.memory = memory
        self.count = count
        isSlot = false
    }

    /// `count` zero bytes, at most 64, for what lives as long as one packet: in a page that it shares with others of its kind.
    public init(brief count: Int) {
        precondition(count <= SecretSlots.size, "a brief secret has 64 bytes at the most")
        memory = SecretSlots.take()
        self.count = count
        isSlot = true
    }

    /// Takes the bytes over and zeroes the array they came in.
    public init(moving bytes: inout [UInt8]) {
        self.init(count: bytes.count)
        bytes.withUnsafeBytes {
            memory.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(memory), byteCount: $0.count)
        }
        wipe(&bytes)
    }

    deinit {
        if isSlot { SecretSlots.giveBack(memory) } else { sodium_free(memory) }
    }

    public borrowing func withUnsafeBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        body(UnsafePointer(memory.assumingMemoryBound(to: UInt8.self)))
    }

    public mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutablePointer<UInt8>) -> R) -> R {
        body(memory.assumingMemoryBound(to: UInt8.self))
    }

    /// A copy outside the guarded memory, for a file that is about to be written. Wipe it.
    public borrowing func copyBytes() -> [UInt8] {
        withUnsafeBytes { Array(UnsafeBufferPointer(start: $0, count: count)) }
    }
}

/// Zeroes an array that held something secret, and empties it. Reaches this one copy only: keep secrets out of arrays
/// that are shared.
public func wipe(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { if let base = $0.baseAddress { sodium_memzero(base, $0.count) } }
    bytes = []
}

/// Zeroes what a C structure held. Never left out by the compiler, though the structure is not used afterwards.
public func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    if let base = memory.baseAddress { sodium_memzero(base, memory.count) }
}

import CSodium
import Platform

/// Small pieces of guarded memory for secrets that live for one packet. A page of its own for each would cost four system
/// calls, a fifth of the time that it takes to open a packet, and be one more page that is locked into memory, of which a
/// process may have few. Here sixty-three share a page; what lies around the page is guarded as ever.
enum SecretSlots {
    /// Bytes of a slot.
    static let size = 64
    /// With sodium_malloc's own 16 bytes they fill a page.
    private static let slotsPerPage = 63

    /// The first free slot, each of which begins with the address of the next one.
    private nonisolated(unsafe) static var free: UnsafeMutableRawPointer?  // used under the process's lock only

    /// A slot of zero bytes. It stays the caller's until it is given back.
    static func take() -> UnsafeMutableRawPointer {
        ProcessLock.withLock {
            let slot = free ?? makePage()
            free = slot.load(as: UnsafeMutableRawPointer?.self)
            slot.storeBytes(of: nil, as: UnsafeMutableRawPointer?.self)
            return slot
        }
    }

    /// Zeroes a slot, which nobody uses any more.
    static func giveBack(_ slot: UnsafeMutableRawPointer) {
        sodium_memzero(slot, size)
        ProcessLock.withLock {
            slot.storeBytes(of: free, as: UnsafeMutableRawPointer?.self)
            free = slot
        }
    }

    /// A chain of free slots. Pages are never given back: as many packets will be under way again.
    private static func makePage() -> UnsafeMutableRawPointer {
        guard sodium_init() >= 0, let page = sodium_malloc(slotsPerPage * size) else {
            preconditionFailure("out of memory")  // as an Array would
        }
        page.initializeMemory(as: UInt8.self, repeating: 0, count: slotsPerPage * size)
        for place in 1..<slotsPerPage {
            (page + (place - 1) * size).storeBytes(of: page + place * size, as: UnsafeMutableRawPointer?.self)
        }
        return page
    }
}

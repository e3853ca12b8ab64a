import Testing

@testable import EntropyPacket

@Suite struct FreshnessTests {
    func check(_ timestamp: Int64, _ counter: Int64, drift: Int64, now: Int64, stored: Int64) throws(PacketError) {
        let packet = try Packet(
            timestamp: timestamp, counter: counter, chunk: [UInt8](repeating: 0, count: 1024), recipient: nil)
        try Freshness(drift: drift).check(packet, now: now, storedCounter: stored)
    }

    @Test func exactlyTheDriftIsAccepted() throws {
        try check(1120, 1, drift: 120, now: 1000, stored: 0)
        try check(880, 1, drift: 120, now: 1000, stored: 0)
        #expect(throws: PacketError.timestampOutsideDrift(seconds: 121)) {
            try check(1121, 1, drift: 120, now: 1000, stored: 0)
        }
        #expect(throws: PacketError.timestampOutsideDrift(seconds: -121)) {
            try check(879, 1, drift: 120, now: 1000, stored: 0)
        }
    }

    @Test func theCounterMustRise() throws {
        try check(0, .max, drift: 0, now: 0, stored: .max - 1)
        try check(0, -4, drift: 0, now: 0, stored: -5)
        for stored in [5, 6, .max] as [Int64] {
            #expect(throws: PacketError.counterRegressed(stored: stored)) {
                try check(0, 5, drift: 0, now: 0, stored: stored)
            }
        }
        #expect(throws: PacketError.counterRegressed(stored: .min)) {
            try check(0, .min, drift: 0, now: 0, stored: .min)
        }
    }

    @Test func noValueTraps() {
        let borders: [Int64] = [.min, .min + 1, -1 << 32, -1, 0, 1, 1 << 31 - 1, 1 << 31, 1 << 32, .max - 1, .max]
        for timestamp in borders {
            for now in borders {
                for drift in borders {
                    // The difference in 128 bits says what the answer must be.
                    let difference = Int128(timestamp) - Int128(now)
                    let isFresh = drift >= 0 && difference.magnitude <= Int128(drift).magnitude
                    let answer = Result { try check(timestamp, 1, drift: drift, now: now, stored: 0) }
                    #expect(((try? answer.get()) != nil) == isFresh, "\(timestamp) \(now) \(drift)")
                }
            }
        }
    }

    @Test func sumsSaturate() {
        #expect(saturatingSum(.max, 1) == .max)
        #expect(saturatingSum(.min, -1) == .min)
        #expect(saturatingSum(1 << 31, 1 << 31) == 1 << 32)
        #expect(saturatingDifference(.min, 1) == .min)
        #expect(saturatingDifference(.max, -1) == .max)
        #expect(saturatingDifference(0, .min) == .max)
    }
}

/// A chunk as a good source makes it: 1024 bytes that look random, and another 1024 for each number, the same ones every time.
public func goodChunk(_ number: Int64 = 1) -> [UInt8] {
    var state = UInt64(bitPattern: number) &* 0x9e37_79b9_7f4a_7c15
    return (0..<128).flatMap { _ in
        // SplitMix64.
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        word ^= word >> 31
        return (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
}

/// What broken sources send in place of chunks, and what each is called.
public let brokenChunks: [(name: String, chunk: [UInt8])] = {
    let good = goodChunk()
    let zeros = [UInt8](repeating: 0, count: 1024)
    // A buffer that a short read did not fill.
    let short = [0, 1, 7, 512, 1000, 1007, 1008].map { count in
        ("zeros after \(count) bytes", Array(good.prefix(count) + zeros.dropFirst(count)))
    }
    // A driver that repeats its last answer, of so many bytes.
    let repeated = [16, 17, 32, 67, 101, 500, 511, 512, 1008].map { size in
        ("\(size) bytes again and again", (0..<1024).map { good[$0 % size] })
    }
    return short + repeated + [
        ("ones", [UInt8](repeating: 255, count: 1024)),
        ("the first block once more, at the end", Array(good.prefix(1008) + good.prefix(16))),
    ]
}()

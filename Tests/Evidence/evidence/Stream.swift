import CommandLine
import Fortuna
import Platform

/// Fortuna as the source runs it, all its pools fed by the kernel's generator.
struct FedFortuna {
    let accumulator = Accumulator(clock: .system)
    private var pool = 0

    /// Fed once round its pools, and so seeded.
    init() throws(Failure) {
        for _ in 0..<(2 * Accumulator.poolCount) { try feed() }
    }

    /// 32 bytes for the next pool.
    mutating func feed() throws(Failure) {
        let data = try attempt { () throws(SystemError) in try SystemRandom.bytes(Accumulator.eventSizes.upperBound) }
        accumulator.addEvent(source: 0, pool: pool, data: data)
        pool = (pool + 1) % Accumulator.poolCount
    }

    func read(_ count: Int) throws(Failure) -> [UInt8] {
        try attempt { () throws(FortunaError) in try accumulator.read(count) }
    }
}

/// Bytes of a chunk: one request.
let chunk = 1024

/// So many bytes of Fortuna's output, in requests of a chunk. Each 64 of them it is fed, so that it reseeds as often as it
/// lets itself be reseeded.
func stream(bytes: Int64) throws(Failure) {
    Process.ignoreWriteSignals()
    var fortuna = try FedFortuna()
    var left = bytes
    var output: [UInt8] = []
    while left > 0 {
        output.removeAll(keepingCapacity: true)
        while left > 0, output.count < 64 * chunk {
            let count = min(left, Int64(chunk))
            output += try fortuna.read(Int(count))
            left -= count
        }
        try fortuna.feed()
        try Terminal.output(output)
    }
}

// One packet's making and opening, and Fortuna's chunks, beside the same calls in bare loops of C (CBare). Each pair lies side by
// side, so that the machine is the same for both; Tests/Benchmarks/micro.py has it run again and again.

import Benchmark
import CBare
import CEvidence
import EntropyPacket
import Fortuna
import Platform

for (name, algorithm) in Example.algorithms {
    let example = try Example(algorithm)
    benchmark("seal \(name)") { blackHole(try example.seal()) }
    benchmark("seal \(name), C") { try example.sealBare() }
    benchmark("open \(name)") { blackHole(try example.open()) }
    benchmark("open \(name), C") { try example.openBare() }
}

/// Chunks of one measurement: one is too short for the clock.
let chunks = 64
let accumulator = try fedAccumulator()
benchmark("fortuna") {
    for _ in 0..<chunks { blackHole(try accumulator.read(Packet.chunkSize)) }
}
benchmark("fortuna, C") { try require(evidence_bare_kilobytes(chunks) >= 0) }

Benchmark.main()

/// Keeps what was made: the compiler cannot know that nobody looks at it.
@inline(never) func blackHole(_ value: some Any) {}

/// All pools fed, and so seeded.
func fedAccumulator() throws -> Accumulator {
    let accumulator = Accumulator(clock: .system)
    for pool in 0..<(2 * Accumulator.poolCount) {
        accumulator.addEvent(
            source: 0, pool: pool % Accumulator.poolCount,
            data: try SystemRandom.bytes(Accumulator.eventSizes.upperBound))
    }
    return accumulator
}

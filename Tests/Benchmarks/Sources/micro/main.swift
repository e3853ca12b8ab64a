import Benchmark
import EntropyPacket

benchmark("nothing") { _ = Packet.chunkSize }
Benchmark.main()

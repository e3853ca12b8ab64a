import Foundation
import Support
import Testing

/// SIGKILL at any moment, as a power cut or the kernel's hunt for memory would: under load, again and again.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct KillTests {
    @Test(arguments: Build.available) func killedAgainAndAgain(_ build: Build) throws {
        let kills = build == .host ? 500 : 60
        let stage = try KillStage(build)
        for kill in 1...kills {
            if kill % 25 == 0 { try stage.appendEntry() }
            // At any moment, but after every fourth kill all comes to work again, however long that takes here. An emulated
            // source takes longer to begin.
            if kill % 4 == 0 { try stage.waitForChunk() }
            usleep(UInt32.random(in: 0...(build == .host ? 250_000 : 1_000_000)))
            try stage.kill(sink: kill % 2 == 0 ? nil : kill / 2 % KillStage.sinkCount)
            try stage.look()
            try stage.restart()
        }
        try stage.end()
        print("\(build): \(kills) kills, \(stage.counted) packets counted, \(stage.mixed) mixed")
        #expect(stage.mixed >= kills / 4)
        // Many kills come between the two; of few, perhaps none.
        #expect(build == .board ? stage.counted >= stage.mixed : stage.counted > stage.mixed)
    }
}

/// A source and its sinks that are killed and started anew, and what their files held when they were last looked at. Half of
/// the sinks keep their counter in the configuration, the others in a file of their own.
private final class KillStage {
    private let build: Build
    private let source: Workplace
    private let sinks: [Workplace]
    private let catcher: PacketCatcher
    private let addresses: [String]
    private var runningSource: Running?
    private var runningSinks = [Running?](repeating: nil, count: sinkCount)
    private var appending: (address: String, running: Running)?

    /// The list's addresses, in its order; those of the first ones that have a note.
    private var entries: [String] = []
    private var noted = 0
    private var sent: [String: Int64] = [:]
    private var taken = [Int64](repeating: 0, count: sinkCount)
    private var isSeedThere = false
    /// Chunks in the sinks' pools, in the end.
    private(set) var mixed = 0
    /// Packets that the source counted for them.
    var counted: Int { addresses.reduce(0) { $0 + Int(sent[$1] ?? 0) } }

    static let sinkCount = 4
    private static let note = "of the operator, \u{e9}\u{1f511}"

    init(_ build: Build) throws {
        self.build = build
        source = try Workplace(build)
        sinks = try (0..<KillStage.sinkCount).map { _ in try Workplace(.host) }
        catcher = try PacketCatcher(everywhere: true)
        // Below the ports that the kernel gives to connections: a sink's is its own while it is down, too.
        let port = UInt16.random(in: 20000..<32000)
        let net = "127.\(Int.random(in: 64...127)).\(Int.random(in: 1...254))"
        addresses = (1...KillStage.sinkCount).map { "\(net).\($0):\(port)" }
        try source.provision(["--algorithm", "ecdsa"])
        for (place, sink) in sinks.enumerated() {
            try sink.directory.write("signer.pub", source.directory.read("signer.pub"))
            try sink.run("curve25519gen")
            let configuration = try sink.run("entropy-config", "-a", addresses[place])
            try sink.directory.write("config.json", Array(configuration.output))
            try sink.directory.write("pool", "")
            if hasOwnFile(place) { try sink.edit("config.json") { $0["State"] = "counter.json" } }
        }
        // Beside the sinks that deliver: one that says nothing, under two names, and one that is not there.
        let others = ["127.0.0.1:\(catcher.port)", "127.0.0.1:1", "127.0.0.2:\(catcher.port)"]
        for (address, key) in zip(addresses + others, sinks + others.map { _ in source }) {
            let added = try source.run(
                "entropy-target", "-a", address, "-k", key.directory.file("decrypt.pub"), "--append", "targets.json")
            #expect(added.status == 0, "\(added.errors)")
            entries.append(address)
        }
        noted = entries.count
        try source.edit("targets.json") { $0["Note"] = KillStage.note }
        try restart()
    }

    /// Starts what does not run.
    func restart() throws {
        for place in sinks.indices where runningSinks[place] == nil {
            runningSinks[place] = try sinks[place].start("entropy-sink", ["--pool", "pool"])
        }
        if runningSource == nil {
            runningSource = try source.start("entropy-source", ["--scan", "1s", "--interval", "1s"])
        }
    }

    /// Waits until one more chunk is in any of the pools.
    func waitForChunk() throws {
        func size() throws -> Int { try sinks.reduce(0) { try $0 + $1.directory.read("pool").count } }
        let before = try size()
        #expect(try eventually { try size() >= before + 1024 }, "\(runningSource?.errors ?? "")")
    }

    /// Kills one of the sinks, or with nil the source, which must have been alive until then.
    func kill(sink: Int?) throws {
        let victim = try #require(sink.map { runningSinks[$0] } ?? runningSource)
        #expect(victim.process.isRunning, "\(victim.errors)")
        victim.signal(SIGKILL)
        #expect(victim.wait().status == SIGKILL)
        if let sink { runningSinks[sink] = nil } else { runningSource = nil }
    }

    /// An operator adds an entry while the others work and die.
    func appendEntry() throws {
        try finishAppending()
        let address = "127.0.0.\(10 + entries.count):\(catcher.port)"
        appending = (
            address,
            try source.start("entropy-target", ["-a", address, "-k", "decrypt.pub", "--append", "targets.json"])
        )
    }

    private func finishAppending() throws {
        guard let (address, running) = appending else { return }
        appending = nil
        let finished = running.wait()
        #expect(finished.status == 0, "\(finished.errors)")
        entries.append(address)
    }

    /// Reads every file, with one program dead and the others at work. The sinks' before the source's: what a sink has
    /// taken was counted by the source before.
    func look() throws {
        for (place, sink) in sinks.enumerated() {
            let parsed = try object(sink.directory, "config.json")
            #expect(parsed["Private"] != nil && parsed["Signer"] != nil)
            var counter = integer(parsed["Counter"])
            if hasOwnFile(place) {
                // The sink makes it when it first starts.
                let isThere = FileManager.default.fileExists(atPath: sink.directory.file("counter.json"))
                guard isThere || taken[place] > 0 else { continue }
                counter = integer(try object(sink.directory, "counter.json")["Counter"])
            }
            #expect(counter >= taken[place], "the counter of sink \(place) fell")
            taken[place] = max(taken[place], counter)
        }
        if appending?.running.process.isRunning == false { try finishAppending() }
        try lookAtList()
        // The source makes it when it first starts.
        if isSeedThere || FileManager.default.fileExists(atPath: source.directory.file("source.seed")) {
            #expect(try source.directory.read("source.seed").count == 64)
            isSeedThere = true
        }
        try lookAtPools()
    }

    private func lookAtList() throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(source.directory.read("targets.json")))
        let list = try #require(parsed as? [[String: Any]])
        let found = list.compactMap { $0["Address"] as? String }
        #expect(Array(found.prefix(entries.count)) == entries)
        #expect(found.count - entries.count <= (appending == nil ? 0 : 1), "\(found)")
        for (place, entry) in list.enumerated() {
            #expect((entry["Note"] as? String) == (place < noted ? KillStage.note : nil))
            let (address, counter) = (found[place], integer(entry["Counter"]))
            #expect(counter >= sent[address] ?? 0, "the counter for \(address) fell")
            sent[address] = counter
        }
        for (address, counter) in zip(addresses, taken) {
            #expect(counter <= sent[address] ?? 0, "\(address) took a packet that was not counted")
        }
    }

    /// Whole chunks; never more of them than there were packets.
    private func lookAtPools() throws {
        for (place, sink) in sinks.enumerated() where runningSinks[place] == nil {
            let size = try sink.directory.read("pool").count
            #expect(size % 1024 == 0)
            #expect(size / 1024 <= Int(taken[place]))
        }
    }

    /// After the last kill all goes on; then the programs end, and leave nothing behind.
    func end() throws {
        try finishAppending()
        let before = try sinks.map { try $0.directory.read("pool").count }
        let isAlive = try eventually {
            try zip(sinks, before).allSatisfy { try $0.directory.read("pool").count >= $1 + 2048 }
        }
        #expect(isAlive, "\(runningSource?.errors ?? "")\(runningSinks.map { $0?.errors ?? "" })")
        for running in [runningSource] + runningSinks {
            running?.signal(SIGTERM)
            let finished = running?.wait()
            #expect(finished?.status == 0, "\(finished?.errors ?? "")")
        }
        try look()
        var chunks: Set<Data> = []
        for sink in sinks {
            let pool = Data(try sink.directory.read("pool"))
            #expect(pool.count % 1024 == 0)
            mixed += pool.count / 1024
            for start in stride(from: 0, to: pool.count - 1023, by: 1024) {
                chunks.insert(pool.subdata(in: start..<(start + 1024)))
            }
        }
        #expect(chunks.count == mixed, "a chunk was mixed twice")
        for place in [source] + sinks {
            let hidden = try place.directory.names().filter { $0.hasPrefix(".") }
            #expect(hidden.count <= 5, "\(hidden)")
        }
    }

    private func hasOwnFile(_ sink: Int) -> Bool { sink % 2 == 1 }

    private func object(_ directory: TemporaryDirectory, _ name: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(directory.read(name))) as? [String: Any], "\(name)")
    }

    private func integer(_ value: Any?) -> Int64 { (value as? NSNumber)?.int64Value ?? 0 }
}

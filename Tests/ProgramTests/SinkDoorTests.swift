import EntropyPacket
import Foundation
import Support
import Testing

/// Who gets in to a sink, and what the end of a connection says.
@Suite struct SinkDoorTests {
    let place: Workplace
    /// A good frame.
    let frame: [UInt8]
    private let configuration: [String: Any]

    init() throws {
        let group = try Vectors.load("reference-packets.json", as: ReferencePackets.self).groups[0]
        place = try Workplace(.host)
        configuration = [
            // A counter that is known: packets from before the start are taken then.
            "Address": "127.0.0.1:0", "Drift": Int64.max, "Counter": -1,
            "Private": Data(hex(try #require(group.keys["sink_private"]))).base64EncodedString(),
            "Signer": Data(hex(try #require(group.keys["signer_pkix_der"]))).base64EncodedString(),
        ]
        try place.directory.write("pool", "")
        frame = Frame.encode(hex(try #require(group.cases.first { $0.name == "plain" }).wire))
    }

    func sink(_ limits: [String: Int] = [:]) throws -> RunningSink {
        let whole = configuration.merging(["Limits": limits]) { $1 }
        try place.directory.write("config.json", Array(JSONSerialization.data(withJSONObject: whole)))
        return try RunningSink(place)
    }

    /// A frame of a packet's length that nobody made.
    static let junk = Frame.encode([UInt8](repeating: 1, count: 1401))

    /// What a connection comes to that sends these bytes.
    func end(_ sink: RunningSink, _ bytes: [UInt8], isLast: Bool = false) throws -> Int32 {
        let connection = try Socket.connect(sink.port)
        connection.send(bytes)
        if isLast { connection.finishSending() }
        return connection.end()
    }

    @Test func aPacketThatWasJudgedEndsItsConnectionAsUsual() throws {
        let sink = try sink()
        #expect(try end(sink, frame) == 0)
        #expect(try place.directory.read("pool").count == 1024)
        // A recording, and what nobody who is known made.
        #expect(try end(sink, frame) == 0)
        #expect(try end(sink, SinkDoorTests.junk) == 0)
        #expect(try end(sink, SinkDoorTests.junk, isLast: true) == 0)
    }

    @Test func whatIsNoPacketIsReset() throws {
        let sink = try sink()
        #expect(try end(sink, [0, 0]) == ECONNRESET)
        #expect(try end(sink, [0xff, 0xff]) == ECONNRESET)
        #expect(try end(sink, [], isLast: true) == ECONNRESET)
        #expect(try end(sink, Array(frame.dropLast()), isLast: true) == ECONNRESET)
    }

    @Test func whatTakesTooLongIsReset() throws {
        let sink = try sink(["SecondsPerPacket": 1])
        #expect(try end(sink, []) == ECONNRESET)
        #expect(try end(sink, Array(frame.dropLast())) == ECONNRESET)
        #expect(try end(sink, frame) == 0)
    }

    @Test func whatIsTooMuchForAnAddressIsReset() throws {
        // A hundred a minute are looked at, no two of them within 600 ms.
        let sink = try sink(["PacketsPerMinute": 1])
        #expect(try end(sink, SinkDoorTests.junk) == 0)
        #expect(try eventually(seconds: 120) { try end(sink, SinkDoorTests.junk) == ECONNRESET })
        // Nobody is shut out for it.
        #expect(try eventually(seconds: 120) { try end(sink, frame) == 0 })
        #expect(try place.directory.read("pool").count == 1024)
    }

    @Test func whoHasNoPlaceIsReset() throws {
        let sink = try sink(["ConnectionsPerAddress": 2])
        let first = try Socket.connect(sink.port)
        let others = try (0..<2).map { _ in try Socket.connect(sink.port) }
        #expect(first.end() == ECONNRESET)
        withExtendedLifetime(others) {}
    }

    @Test func whoSaysNothingWhenItStopsIsReset() throws {
        let sink = try sink()
        let silent = try Socket.connect(sink.port)
        silent.send([5])
        #expect(silent.waitUntilRead())
        sink.running.signal(SIGTERM)
        #expect(silent.end() == ECONNRESET)
        #expect(sink.running.wait().status == 0)
    }

    /// It had read all that had come: the kernel by itself would end the connection as after a judgement.
    @Test func aKilledSinkResetsWhatItHadRead() throws {
        let sink = try sink()
        let connection = try Socket.connect(sink.port)
        connection.send(Array(frame.prefix(300)))
        #expect(connection.waitUntilRead())
        sink.running.signal(SIGKILL)
        #expect(connection.end() == ECONNRESET)
    }

    /// A neighbour on the same address, as behind a carrier's translator, is there before the sink starts.
    @Test(.enabled(if: haveTools("python3"), "python3 is not installed"))
    func aNeighbourShutsNobodyOut() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let port = try { try Socket.listen().port }()
        try place.edit("config.json") { $0["Address"] = "127.0.0.1:\(port)" }
        try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json")
        let waiting = Pipe()
        let script = packageRoot.appendingPathComponent("Tests/Peers/neighbour.py").path
        let neighbour = try Running(["/usr/bin/python3", script, String(port), "40", "200"], standardInput: waiting)
        #expect(eventually(seconds: 60) { neighbour.output.contains("ready") }, "\(neighbour.errors)")
        // At first nobody knows the source's address. Then the sink does, also when it starts again.
        for size in [1024, 2048] {
            let sink = try RunningSink(place)
            let before = taken(by: neighbour)
            #expect(eventually(seconds: 120) { taken(by: neighbour) > before + 100 }, "\(neighbour.output)")
            try place.edit("targets.json") { $0["Next"] = 0 }
            let source = try place.start("entropy-source", ["--once"]).wait(seconds: 120)
            #expect(source.status == 0, "\(source.errors)\(sink.log)")
            #expect(try place.directory.read("pool").count == size)
            #expect(sink.stop().status == 0)
            #expect(try place.directory.text("sink.status.json").contains("\"127.0.0.1 "))
        }
        try waiting.fileHandleForWriting.close()
        #expect(neighbour.wait(seconds: 60).status == 0)
    }

    /// Frames of the neighbour's that the sink has looked at.
    private func taken(by neighbour: Running) -> Int {
        let last = neighbour.output.split(separator: "\n").last { $0.hasPrefix("taken") }
        return last.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
    }
}

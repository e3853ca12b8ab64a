import EntropyPacket
import Foundation
import Support
import Testing

/// Bytes from the network: any, slowly, in pieces, too long, too short, cut off. The sink goes on serving others.
@Suite struct SinkNetworkTests {
    let place: Workplace
    let sink: RunningSink
    /// Good frames, with counters that rise.
    let frames: [[UInt8]]

    init() throws {
        let group = try Vectors.load("reference-packets.json", as: ReferencePackets.self).groups[0]
        place = try Workplace(.host)
        let configuration: [String: Any] = [
            // A counter that is known: packets from before the start are taken then.
            "Address": "127.0.0.1:0", "Drift": Int64.max, "Counter": -1,
            "Private": Data(hex(try #require(group.keys["sink_private"]))).base64EncodedString(),
            "Signer": Data(hex(try #require(group.keys["signer_pkix_der"]))).base64EncodedString(),
        ]
        try place.directory.write("config.json", Array(JSONSerialization.data(withJSONObject: configuration)))
        try place.directory.write("pool", "")
        sink = try RunningSink(place)
        frames = ["plain", "timestamp-max", "counter-127", "counter-128", "counter-2^31", "counter-2^32"].compactMap {
            name in
            group.cases.first { $0.name == name }.map { Frame.encode(hex($0.wire)) }
        }
    }

    var poolSize: Int { get throws { try place.directory.read("pool").count } }

    /// Sends a good frame and waits for its receipt.
    func serve(_ number: Int) throws {
        let before = try poolSize
        let connection = try Socket.connect(sink.port)
        connection.send(frames[number])
        #expect(connection.receive(1).count == 1)
        #expect(try poolSize == before + 1024)
    }

    @Test func aFrameMayComeInAnyPieces() throws {
        let slow = try Socket.connect(sink.port)
        for byte in frames[0].prefix(2) {
            slow.send([byte])
            #expect(slow.waitUntilRead())
        }
        // The sink knows the length now, and leaves the rest with the kernel until all of it is there.
        for byte in frames[0][2..<300] { slow.send([byte]) }
        // Meanwhile others are served.
        try serve(1)
        slow.send(Array(frames[0].dropFirst(300)))
        // Its counter is older than the one that was accepted meanwhile: answered, not mixed.
        #expect(slow.receive(1).count == 1)
        #expect(try poolSize == 1024)
        let inTwo = try Socket.connect(sink.port)
        inTwo.send([frames[2][0]])
        #expect(inTwo.waitUntilRead())
        inTwo.send(Array(frames[2].dropFirst()))
        #expect(inTwo.receive(1).count == 1)
        #expect(try poolSize == 2048)
    }

    @Test func aPeerMayStopSendingAndStillRead() throws {
        let connection = try Socket.connect(sink.port)
        connection.send(frames[0])
        connection.finishSending()
        #expect(connection.receive(1).count == 1)
    }

    @Test func thePacketOfAPeerThatClosedAtOnceIsMixed() throws {
        // As the original's source does.
        do { try Socket.connect(sink.port).send(frames[0]) }
        #expect(try eventually { try poolSize == 1024 })
        try serve(2)
    }

    /// Which file has the name now: state files are replaced, never written into.
    func file(_ name: String) throws -> NSNumber? {
        try FileManager.default.attributesOfItem(atPath: place.directory.file(name))[.systemFileNumber] as? NSNumber
    }

    @Test func junkGetsNoByteAndFillsNoLogAndNoDisk() throws {
        var generator = SystemRandomNumberGenerator()
        let start = Date()
        let (before, report) = (try file("config.json"), try file("sink.status.json"))
        for round in 0..<200 {
            let connection = try Socket.connect(sink.port, from: UInt8(10 + round % 4))
            let count = [0, 1, 2, 71, 72, 1381, 4096, 4097, 9000][round % 9]
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            // Every third one has a length that could be a packet's.
            if round % 3 == 0, count > 74 {
                (bytes[0], bytes[1]) = (UInt8((count - 2) >> 8 & 15), UInt8((count - 2) & 0xff))
            }
            connection.send(bytes)
            connection.finishSending()
            #expect(connection.receive(1) == [])
        }
        #expect(try file("config.json") == before && file("sink.status.json") == report)
        let seconds = Int(Date().timeIntervalSince(start)) + 1
        #expect(sink.log.split(separator: "\n").count <= 1 + seconds + 1, "\(sink.log)")
        try serve(0)
        let after = try file("config.json")
        #expect(after != before)
        // A recording is junk too, though it is answered.
        for _ in 0..<50 {
            let connection = try Socket.connect(sink.port)
            connection.send(frames[0])
            #expect(connection.receive(1).count == 1)
        }
        #expect(try file("config.json") == after && poolSize == 1024)
        let passed = Int(Date().timeIntervalSince(start)) + 1
        // Strangers' lines once a second, the recording's once in ten.
        #expect(sink.log.split(separator: "\n").count <= 4 + passed + passed / 10, "\(sink.log)")
    }

    @Test func idleConnectionsHinderNobodyElse() throws {
        func idle() throws -> Socket {
            let connection = try Socket.connect(sink.port)
            connection.send([0x05])
            #expect(connection.waitUntilRead())
            return connection
        }
        let most = try (0..<31).map { _ in try idle() }
        try serve(0)
        // One peer has 32 places, and a known source's address four times as many; the oldest that say little give way.
        let others = try (0..<160).map { _ in try Socket.connect(sink.port) }
        for each in most { #expect(each.end() == ECONNRESET) }
        try serve(1)
        withExtendedLifetime(others) {}
        #expect(sink.running.process.isRunning)
    }

    @Test func afterTheyAreGoneThereIsRoom() throws {
        do { _ = try (0..<40).map { _ in try Socket.connect(sink.port) } }
        let isServed = try eventually {
            let connection = try Socket.connect(sink.port)
            connection.send(frames[0])
            return connection.receive(1).count == 1
        }
        #expect(try isServed && poolSize == 1024)
    }

    @Test func itStopsWithOpenConnections() throws {
        let idle = try Socket.connect(sink.port)
        idle.send([1])
        #expect(idle.waitUntilRead())
        let finished = sink.stop()
        #expect(finished.status == 0)
        #expect(finished.errors.lines(about: "127.0.0.1").isEmpty, "\(finished.errors)")
    }

    /// What is arriving when it is asked to end is mixed, and gets its receipt; whoever says nothing is not waited for.
    @Test func noAcceptedPacketIsLostWhenItStops() throws {
        let idle = try (0..<20).map { _ in try Socket.connect(sink.port) }
        let arriving = try Socket.connect(sink.port)
        arriving.send(Array(frames[0].prefix(700)))
        #expect(arriving.waitUntilRead())
        sink.running.signal(SIGTERM)
        let port = sink.port
        #expect(eventually { (try? Socket.connect(port)) == nil })
        for connection in idle { #expect(connection.receive(1) == []) }
        #expect(sink.running.process.isRunning)
        arriving.send(Array(frames[0].dropFirst(700)))
        #expect(arriving.receive(100).count > 40)
        let finished = sink.running.wait()
        #expect(finished.status == 0)
        #expect(finished.errors.packets(.mixed) == [1], "\(finished.errors)")
        #expect(try poolSize == 1024)
    }

    @Test func aKilledSinkOpensNoDoorToAReplay() throws {
        try serve(0)
        sink.running.signal(SIGKILL)
        _ = sink.running.wait()
        let again = try RunningSink(place)
        let connection = try Socket.connect(again.port)
        connection.send(frames[0])
        #expect(connection.receive(1).count == 1)
        #expect(try poolSize == 1024)
        #expect(again.stop().status == 0)
        #expect(try place.directory.names() == ["config.json", "pool", "sink.status.json"])
    }

    @Test(
        .enabled(if: haveTools("prlimit"), "prlimit is not installed"),
        .enabled(if: !Build.isSanitized, "a sanitizer's own files are beyond the limit"))
    func aFullDiskIsReportedAndNothingIsMixedLater() throws {
        sink.stop()
        // A limit on the size of files stands for the disk: the second chunk does not fit any more.
        let command = ["prlimit", "--fsize=1800"] + Build.host.command("entropy-sink") + ["--pool", "pool"]
        let limited = try Running(command, in: place.directory.path)
        let port = try limited.listeningPort()
        for number in [0, 2] {
            let connection = try Socket.connect(port)
            connection.send(frames[number])
            #expect(connection.receive(1).count == 1)
        }
        #expect(eventually { limited.errors.packets(.notMixed) == [127] }, "\(limited.errors)")
        #expect(limited.errors.packets(.mixed) == [1], "\(limited.errors)")
        #expect(limited.errors.packets.last?.line.names("pool") == true, "\(limited.errors)")
        #expect(try place.number("config.json", "Counter") == 127)
        #expect(limited.process.isRunning)
    }

    @Test(.enabled(if: getuid() == 0 && haveTools("setpriv"), "only root can become another user, by setpriv"))
    func aConfigurationThatCannotBeWrittenIsNoticedAtTheStart() throws {
        sink.stop()
        #expect(chmod(place.directory.path, 0o755) == 0)
        #expect(
            chmod(place.directory.file("config.json"), 0o644) == 0 && chmod(place.directory.file("pool"), 0o666) == 0)
        let finished = try run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + Build.host.command("entropy-sink") + [
                "--pool", "pool",
            ],
            in: place.directory.path)
        #expect(finished.status == 77)
        #expect(finished.errorLines.last?.names("config.json") == true, "\(finished.errors)")
    }
}

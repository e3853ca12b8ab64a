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
            "Address": "127.0.0.1:0", "Drift": Int64.max,
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

    @Test func aSecondSinkOnTheSameCountersEnds() throws {
        for state in [nil, "counters.json"] as [String?] {
            let place = try Workplace(.host)
            try place.provision()
            if let state { try place.edit("config.json") { $0["State"] = state } }
            let first = try RunningSink(place)
            let second = try place.start("entropy-sink", ["--pool", "pool"]).wait(seconds: 10)
            #expect(second.status == 69, "\(second.errors)")
            let name = state ?? "config.json"
            #expect(second.errors.contains("\(name): another sink keeps its counters there"), "\(second.errors)")
            // An editor is not kept from the configuration, and the first one goes on.
            try place.run("rsagen", "--software", "-o", "other")
            #expect(try place.run("entropy-config", "--add-signer", "other.pub").status == 0)
            #expect(first.running.process.isRunning)
            // A sink that was killed holds nothing; one that was ended leaves nothing behind.
            first.running.signal(SIGKILL)
            _ = first.running.wait()
            let third = try RunningSink(place)
            #expect(third.stop().status == 0)
            #expect(try !place.directory.snapshot().keys.contains { $0.hasSuffix(".sink") || $0.hasSuffix(".new") })
        }
    }

    @Test func theConfigurationIsReadAnew() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        func send() throws -> String {
            try place.edit("targets.json") { $0["Next"] = 0 }
            return try place.run("entropy-source", "--once").errors
        }
        func reload(_ words: String) {
            let before = sink.log.components(separatedBy: words).count
            sink.running.signal(SIGHUP)
            #expect(eventually { sink.log.components(separatedBy: words).count > before }, "\(sink.log)")
        }
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(try send().contains("packet 1 mixed"))
        // A bad one changes nothing.
        let good = try place.directory.read("config.json")
        for (change, words) in [
            ({ $0["Drift"] = -1 }, "Drift: expected seconds"),
            ({ $0["Address"] = "127.0.0.1:1" }, "Address is another one"),
            ({ $0["State"] = "other.json" }, "State is another one"),
        ] as [((inout [String: Any]) -> Void, String)] {
            try place.edit("config.json", change)
            reload("\(words)")
            #expect(sink.log.contains("going on as before"))
            try place.directory.write("config.json", good)
            #expect(try send().contains("mixed"))
        }
        // A good one does, and no counter falls, not even for one who writes a smaller one.
        try place.edit("config.json") {
            $0["Counter"] = 0
            $0["RequireRecipient"] = true
        }
        reload("read config.json anew")
        #expect(try send().contains("packet 5 mixed"))
        // Another key in its place.
        try place.run("rsagen", "--software", "--force")
        let key = try Data(place.directory.read("signer.pub")).base64EncodedString()
        #expect(try send().contains("unconfirmed"))
        try place.edit("config.json") {
            $0["Signer"] = key
            $0["Counter"] = 0
        }
        reload("read config.json anew")
        #expect(try send().contains("packet 7 mixed"))
        #expect(sink.stop().status == 0)
    }

    /// systemd's side of it: a datagram socket, as sd_notify(3) says.
    @Test(.enabled(if: haveTools("socat"), "socat is not installed"), arguments: ["", "@"])
    func systemdHearsOfIt(_ prefix: String) throws {
        let place = try Workplace(.host)
        try place.provision()
        let name = prefix + place.directory.file("notify")
        let listener = try Running([
            "socat", "-u", prefix.isEmpty ? "UNIX-RECV:\(name)" : "ABSTRACT-RECV:\(name.dropFirst())", "-",
        ])
        #expect(eventually { isListening(name) || isBound(name) })
        let sink = try Running(
            Build.host.command("entropy-sink") + ["--pool", "pool"], in: place.directory.path,
            environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "900000"])
        #expect(eventually { listener.output.hasPrefix("READY=1") }, "\(listener.output)\(sink.errors)")
        // Three times as often as it would be given up.
        #expect(eventually(seconds: 5) { listener.output.components(separatedBy: "WATCHDOG=1").count > 5 })
        sink.signal(SIGHUP)
        #expect(eventually { listener.output.contains("RELOADING=1\nMONOTONIC_USEC=") }, "\(listener.output)")
        #expect(eventually { listener.output.components(separatedBy: "READY=1").count == 3 })
        sink.signal(SIGTERM)
        #expect(sink.wait(seconds: 10).status == 0)
        #expect(eventually { listener.output.hasSuffix("STOPPING=1") }, "\(listener.output)")
    }

    /// Two thousand connections that say nothing, and two hundred that say a byte a second, from many addresses.
    @Test(.enabled(if: haveTools("python3"), "python3 is not installed")) func aCrowdHoldsUpNobody() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        func deliver() throws -> TimeInterval {
            try place.edit("targets.json") { $0["Next"] = 0 }
            let started = Date()
            let source = try place.run("entropy-source", "--once")
            #expect(source.status == 0, "\(source.errors)")
            return Date().timeIntervalSince(started)
        }
        let alone = try deliver()
        let script = packageRoot.appendingPathComponent("Tests/Peers/crowd.py").path
        let waiting = Pipe()
        let crowd = try Running(
            ["/usr/bin/python3", script, String(sink.port), "2000", "200"], standardInput: waiting)
        #expect(eventually { crowd.output.contains("ready") }, "\(crowd.errors)")
        for _ in 0..<3 { #expect(try deliver() < alone + 1) }
        #expect(eventually { crowd.output.contains("closed 0\n") }, "\(crowd.output)")
        let status = try String(
            contentsOfFile: "/proc/\(sink.running.process.processIdentifier)/status", encoding: .utf8)
        let peak = try #require(
            status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ")[1])
        #expect(try #require(Int(peak)) < 100_000, "\(peak) kB")
        try waiting.fileHandleForWriting.close()
        #expect(crowd.wait(seconds: 10).status == 0)
        #expect(sink.stop().status == 0)
    }

    /// Mixed for real, into this machine's pool; what the kernel is told of it is the configuration's to say.
    @Test(.enabled(if: geteuid() == 0, "only root may have the kernel reseed"), arguments: [nil, 0, 128] as [Int?])
    func theKernelsPool(_ credit: Int?) throws {
        let place = try Workplace(.host)
        try place.provision()
        if let credit { try place.edit("config.json") { $0["Credit"] = credit } }
        let sink = try RunningSink(place, pool: "/dev/random")
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(try place.run("entropy-source", "--once").status == 0)
        // Without CAP_SYS_ADMIN, as in most containers, the kernel decides when.
        let reseeded =
            "1024 bytes into the kernel's pool, its generator reseeded" + (credit ?? 0 > 0 ? ", 128 bits credited" : "")
        #expect(
            eventually { sink.log.contains(reseeded + "\n") || sink.log.contains("pool, for its next reseed") },
            "\(sink.log)")
        #expect(sink.log.contains("Credit is 128") == (credit == 128))
        let check = try place.run("entropy-sink", "--check").text
        #expect(check.contains(credit == 128 ? "credit       128 bits for each chunk\n" : "credit       none\n"))
    }

    @Test func aFrameMayComeInAnyPieces() throws {
        let slow = try Socket.connect(sink.port)
        for byte in frames[0].prefix(300) {
            slow.send([byte])
            usleep(500)
        }
        // Meanwhile others are served.
        try serve(1)
        slow.send(Array(frames[0].dropFirst(300)))
        // Its counter is older than the one that was accepted meanwhile: answered, not mixed.
        #expect(slow.receive(1).count == 1)
        #expect(try poolSize == 1024)
        let inTwo = try Socket.connect(sink.port)
        inTwo.send([frames[2][0]])
        usleep(50000)
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

    @Test func junkGetsNoByteAndFillsNoLog() throws {
        var generator = SystemRandomNumberGenerator()
        let start = Date()
        for round in 0..<200 {
            let connection = try Socket.connect(sink.port)
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
        let seconds = Int(Date().timeIntervalSince(start)) + 1
        #expect(sink.log.split(separator: "\n").count <= 1 + seconds + 1, "\(sink.log)")
        try serve(0)
    }

    @Test func idleConnectionsHinderNobodyElse() throws {
        let idle = try (0..<31).map { _ in try Socket.connect(sink.port) }
        for each in idle { each.send([0x05]) }
        try serve(0)
        // One peer has 32 places; who comes after that is turned away at once, until there is room.
        let last = try Socket.connect(sink.port)
        usleep(100_000)
        let beyond = try Socket.connect(sink.port)
        #expect(beyond.receive(1) == [])
        withExtendedLifetime((idle, last)) {}
        #expect(sink.running.process.isRunning)
    }

    @Test func afterTheyAreGoneThereIsRoom() throws {
        do { _ = try (0..<40).map { _ in try Socket.connect(sink.port) } }
        usleep(200_000)
        try serve(0)
    }

    @Test func itStopsWithOpenConnections() throws {
        let idle = try Socket.connect(sink.port)
        idle.send([1])
        usleep(50000)
        let finished = sink.stop()
        #expect(finished.status == 0)
        #expect(finished.errorLines.last == "entropy-sink: stopped")
        #expect(!finished.errors.contains("closed the connection"))
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
        #expect(try place.directory.snapshot().keys.sorted() == ["config.json", "pool"])
    }

    @Test(.enabled(if: haveTools("prlimit"), "prlimit is not installed"))
    func aFullDiskIsReportedAndNothingIsMixedLater() throws {
        sink.stop()
        // A limit on the size of files stands for the disk: the second chunk does not fit any more.
        let command = ["prlimit", "--fsize=1800"] + Build.host.command("entropy-sink") + ["--pool", "pool"]
        let limited = try Running(command, in: place.directory.path)
        #expect(eventually { limited.errors.contains("listening on") }, "\(limited.errors)")
        let port = try #require(
            limited.errors.split(separator: " ").drop { $0 != "port" }.dropFirst().first.flatMap {
                UInt16($0.dropLast())
            })
        for number in [0, 2] {
            let connection = try Socket.connect(port)
            connection.send(frames[number])
            #expect(connection.receive(1).count == 1)
        }
        #expect(limited.errors.contains("packet 1 mixed"))
        #expect(
            limited.errors.contains("packet 127 not mixed: pool: cannot write: File too large; its counter is spent"),
            "\(limited.errors)")
        #expect(try place.number("config.json", "Counter") == 127)
        #expect(limited.process.isRunning)
    }

    @Test func aConfigurationThatCannotBeWrittenIsNoticedAtTheStart() throws {
        guard getuid() == 0 else { return }
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
        #expect(
            finished.errorLines.last?.contains(
                "config.json: cannot write: Permission denied; the sink's counter is kept there, unless \"State\"")
                == true)
    }
}

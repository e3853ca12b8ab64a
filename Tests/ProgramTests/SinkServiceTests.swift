import Foundation
import Support
import Testing

/// The sink as a service of a machine: beside other sinks, in a crowd, with the kernel's pool, systemd and an operator.
@Suite struct SinkServiceTests {
    @Test func aSecondSinkOnTheSameCountersEnds() throws {
        for state in [nil, "counters.json"] as [String?] {
            let place = try Workplace(.host)
            try place.provision()
            if let state { try place.edit("config.json") { $0["State"] = state } }
            let first = try RunningSink(place)
            let second = try place.start("entropy-sink", ["--pool", "pool"]).wait()
            #expect(second.status == 69, "\(second.errors)")
            let name = state ?? "config.json"
            #expect(second.errors.lines(about: name).count == 1, "\(second.errors)")
            // An editor is not kept from the configuration, and the first one goes on.
            try place.run("rsagen", "--software", "-o", "other")
            #expect(try place.run("entropy-config", "--add-signer", "other.pub").status == 0)
            #expect(first.running.process.isRunning)
            // A sink that was killed holds nothing; one that was ended leaves nothing behind.
            first.running.signal(SIGKILL)
            _ = first.running.wait()
            let third = try RunningSink(place)
            #expect(third.stop().status == 0)
            #expect(try !place.directory.names().contains { $0.hasSuffix(".sink") || $0.hasSuffix(".new") })
        }
    }

    /// CAP_SYS_ADMIN, which is bit 21: root outside of most containers. CI has to have it.
    static let mayReseed = {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let digits = status.firstMatch(of: /CapEff:\t([0-9a-f]+)/)?.1 ?? "0"
        return isCI || (UInt64(digits, radix: 16) ?? 0) >> 21 & 1 == 1
    }()

    /// Mixed for real, into this machine's pool; what the kernel is told of it is the configuration's to say.
    @Test(.enabled(if: mayReseed, "only CAP_SYS_ADMIN may have the kernel reseed"), arguments: [nil, 0, 128] as [Int?])
    func theKernelsPool(_ credit: Int?) throws {
        let place = try Workplace(.host)
        try place.provision()
        if let credit { try place.edit("config.json") { $0["Credit"] = credit } }
        let sink = try RunningSink(place, pool: "/dev/random")
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(try place.run("entropy-source", "--once").status == 0)
        #expect(eventually { sink.log.reseedings == 1 }, "\(sink.log)")
        // Of the packet, and at the start.
        #expect(sink.log.packets.last?.line.names("128") == (credit == 128), "\(sink.log)")
        #expect(sink.log.names("Credit") == (credit == 128), "\(sink.log)")
        let check = try place.run("entropy-sink", "--check").text
        #expect(check.contains(credit == 128 ? "credit       128 bits for each chunk\n" : "credit       none\n"))
    }

    /// Two thousand connections that say nothing, and two hundred that say a byte a second, from many addresses.
    @Test(
        .enabled(if: haveTools("python3"), "python3 is not installed"),
        .enabled(if: !Build.isSanitized, "a sanitizer takes seconds and memory of its own"))
    func aCrowdHoldsUpNobody() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let script = packageRoot.appendingPathComponent("Tests/Peers/crowd.py").path
        let waiting = Pipe()
        let crowd = try Running(
            ["/usr/bin/python3", script, String(sink.port), "2000", "200"], standardInput: waiting)
        #expect(eventually { crowd.output.contains("ready") }, "\(crowd.errors)")
        for _ in 0..<3 {
            try place.edit("targets.json") { $0["Next"] = 0 }
            let source = try place.run("entropy-source", "--once")
            #expect(source.status == 0, "\(source.errors)")
        }
        #expect(eventually { crowd.output.contains("closed 0\n") }, "\(crowd.output)")
        let status = try String(
            contentsOfFile: "/proc/\(sink.running.process.processIdentifier)/status", encoding: .utf8)
        let peak = try #require(
            status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }?.split(separator: " ")[1])
        #expect(try #require(Int(peak)) < 100_000, "\(peak) kB")
        try waiting.fileHandleForWriting.close()
        #expect(crowd.wait().status == 0)
        #expect(sink.stop().status == 0)
    }

    @Test func theConfigurationIsReadAnew() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        func send() throws -> [String] {
            try place.edit("targets.json") { $0["Next"] = 0 }
            return try place.deliver().outcomes
        }
        func reload(_ lines: () -> Int) {
            let before = lines()
            sink.running.signal(SIGHUP)
            #expect(eventually { lines() > before }, "\(sink.log)")
        }
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(try send() == ["mixed 1"])
        // A bad one changes nothing, and the member is named.
        let good = try place.directory.read("config.json")
        for (number, member, value) in [
            (2, "Drift", -1), (3, "Address", "127.0.0.1:1"), (4, "State", "other.json"),
        ] as [(Int, String, Any)] {
            try place.edit("config.json") { $0[member] = value }
            reload { sink.log.split(separator: "\n").count { $0.names(member) } }
            #expect(sink.log.rereadings == 0, "\(sink.log)")
            try place.directory.write("config.json", good)
            #expect(try send() == ["mixed \(number)"])
        }
        // A good one does, and no counter falls, not even for one who writes a smaller one.
        try place.edit("config.json") {
            $0["Counter"] = 0
            $0["RequireRecipient"] = true
        }
        reload { sink.log.rereadings }
        #expect(try send() == ["mixed 5"])
        // Another key in its place.
        try place.run("rsagen", "--software", "--force")
        let key = try Data(place.directory.read("signer.pub")).base64EncodedString()
        #expect(try send() == ["silent 6"])
        try place.edit("config.json") {
            $0["Signer"] = key
            $0["Counter"] = 0
        }
        reload { sink.log.rereadings }
        #expect(try send() == ["mixed 7"])
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
        #expect(eventually { listener.output.components(separatedBy: "WATCHDOG=1").count > 5 })
        sink.signal(SIGHUP)
        #expect(eventually { listener.output.contains("RELOADING=1\nMONOTONIC_USEC=") }, "\(listener.output)")
        #expect(eventually { listener.output.components(separatedBy: "READY=1").count == 3 })
        sink.signal(SIGTERM)
        #expect(sink.wait().status == 0)
        #expect(eventually { listener.output.hasSuffix("STOPPING=1") }, "\(listener.output)")
    }
}

import Foundation
import Support
import Testing

/// How a source finds the way to a sink: both families, names that resolve slowly or half, proxies.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct RouteTests {
    /// A source's files, and a sink that listens at every address of this machine.
    func place(_ build: Build) throws -> (Workplace, RunningSink) {
        let place = try Workplace(build)
        try place.provision(["--algorithm", "ecdsa"])
        try place.edit("config.json") { $0["Address"] = ":0" }
        return (place, try RunningSink(place))
    }

    func add(_ place: Workplace, _ address: String) throws {
        #expect(try place.run("entropy-target", "-a", address, "--append", "targets.json").status == 0)
    }

    @Test(.enabled(if: hasIPv6, "this machine has no IPv6"), arguments: Build.available)
    func bothFamiliesAreUsed(_ build: Build) throws {
        let (place, sink) = try place(build)
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            try add(place, "\(host):\(sink.port)")
            let source = try place.run("entropy-source", "--once")
            // One sink under three names has one counter.
            let packet = try #require(
                source.errors.packets.first { $0.address == "\(host):\(sink.port)" }, "\(source.errors)")
            #expect(packet.counter == 1, "\(source.errors)")
            #expect(packet.fate == (host == "127.0.0.1" ? .mixed : .refused), "\(source.errors)")
        }
        #expect(eventually { sink.log.packets.contains { $0.address == "::1" } }, "\(sink.log)")
    }

    static let hasIPv6 = (try? String(contentsOfFile: "/proc/net/if_inet6", encoding: .utf8))?.contains(" lo") == true

    /// Runs a source where /etc/hosts and /etc/resolv.conf are other files, in a mount namespace of its own.
    func start(_ place: Workplace, hosts: String, nameServer: String, _ arguments: [String]) throws -> Running {
        try place.directory.write("hosts", "127.0.0.1 localhost\n\(hosts)\n", mode: 0o644)
        try place.directory.write(
            "resolv.conf", "nameserver \(nameServer)\noptions timeout:30 attempts:3\n", mode: 0o644)
        let script = "mount --bind hosts /etc/hosts && mount --bind resolv.conf /etc/resolv.conf && exec \"$@\""
        return try Running(
            ["unshare", "-m", "sh", "-c", script, "sh"] + place.command("entropy-source", arguments),
            in: place.directory.path)
    }

    @Test(
        .enabled(if: geteuid() == 0 && haveTools("unshare", "mount"), "only root can put other files in /etc's place"),
        arguments: Build.available)
    func aNameServerThatSaysNothingHoldsUpNobody(_ build: Build) throws {
        let (place, sink) = try place(build)
        // It takes the questions, and answers none.
        let silent = try Running(["socat", "-u", "UDP-RECVFROM:53,bind=127.0.0.53,fork", "OPEN:/dev/null"])
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        let count = build == .host ? 300 : 40
        let addresses = (1...count).map { "sink\($0).example.org:4141" } + ["127.0.0.1:\(sink.port)"]
        let list = addresses.map { ["Address": $0, "Public": key] }
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: list)))
        let started = Date()
        let source = try start(place, hosts: "", nameServer: "127.0.0.53", ["--scan", "1s"])
        #expect(eventually(seconds: 120) { source.errors.packets(.mixed) == [1] }, "\(source.errors)")
        print(
            "| \(build) | \(count) names that nobody looks up | one sink beside them served after "
                + String(format: "%.1f s |", Date().timeIntervalSince(started)))
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        withExtendedLifetime(silent) {}
    }

    @Test(
        .enabled(if: geteuid() == 0 && haveTools("unshare", "mount"), "only root can put other files in /etc's place"),
        arguments: Build.available)
    func aNameWithADeadAddressIsReachedByTheOther(_ build: Build) throws {
        let (place, sink) = try place(build)
        try add(place, "both.example.org:\(sink.port)")
        // Documentation's network, RFC 3849: nobody is there.
        let source = try start(
            place, hosts: "2001:db8::1 both.example.org\n127.0.0.1 both.example.org", nameServer: "127.0.0.1",
            ["--once"])
        let finished = source.wait()
        #expect(finished.status == 0 && place.chunks == 1, "\(finished.errors)")
    }

    /// A proxy of others, on a free port; another one where someone else was faster.
    func proxy(_ command: (_ port: UInt16) throws -> [String]) throws -> (Running, UInt16) {
        for _ in 0..<5 {
            let port = try Socket.listen().port
            let running = try Running(try command(port))
            let isThere = eventually { !running.process.isRunning || (try? Socket.connect(port)) != nil }
            if isThere, running.process.isRunning { return (running, port) }
        }
        throw POSIXError(.EADDRINUSE)
    }

    func run(_ place: Workplace, _ environment: [String: String]) throws -> Finished {
        try place.edit("targets.json") { $0["Next"] = 0 }
        return try Running(
            place.command("entropy-source", ["--once"]), in: place.directory.path, environment: environment
        ).wait()
    }

    @Test(
        .enabled(if: haveTools("microsocks", "tinyproxy"), "microsocks or tinyproxy is not installed"),
        arguments: Build.available)
    func proxiesAreUsed(_ build: Build) throws {
        let (place, sink) = try place(build)
        try add(place, "localhost:\(sink.port)")
        let (socks, socksPort) = try proxy { port in
            ["microsocks", "-i", "127.0.0.1", "-p", "\(port)", "-u", "board", "-P", "s3cret"]
        }
        let (tunnel, tunnelPort) = try proxy { port in
            try place.directory.write(
                "tinyproxy.conf", "Port \(port)\nListen 127.0.0.1\nBasicAuth board s3cret\nMaxClients 10\n")
            return ["tinyproxy", "-d", "-c", place.directory.file("tinyproxy.conf")]
        }
        var packets = 0
        for (name, proxy) in [
            ("all_proxy", "socks5h://board:s3cret@127.0.0.1:\(socksPort)"),
            ("https_proxy", "http://board:s3cret@127.0.0.1:\(tunnelPort)"),
            ("http_proxy", "http://board:s3cret@127.0.0.1:\(tunnelPort)"),
        ] {
            let finished = try run(place, [name: proxy])
            packets += 1
            #expect(finished.status == 0 && place.chunks == packets, "\(finished.errors)")
            let shown = proxy.replacingOccurrences(of: "board:s3cret@", with: "")
            #expect(finished.errors.names(shown), "\(finished.errors)")
            #expect(!finished.errors.contains("s3cret"))
        }
        // That it went through them shows where they refuse, or are not there; some hosts do without.
        for (environment, code) in [
            (["https_proxy": "http://127.0.0.1:\(tunnelPort)"], "407"),
            (["all_proxy": "socks5h://127.0.0.1:\(socksPort)"], ""),
            (["ALL_PROXY": "http://127.0.0.1:1"], ""),
            (["all_proxy": "nonsense://x"], ""),
        ] {
            let finished = try run(place, environment)
            #expect(finished.status == 69 && (code.isEmpty || finished.errors.contains(code)), "\(finished.errors)")
        }
        let direct = try run(place, ["all_proxy": "http://127.0.0.1:1", "no_proxy": "example.org,localhost"])
        #expect(direct.status == 0, "\(direct.errors)")
        #expect(try place.number("config.json", "Counter") == Int64(packets + 1))
        withExtendedLifetime((socks, tunnel)) {}
    }

    /// A proxy that refuses, and sends on and on: what is read of it is bounded, and it holds up nobody.
    @Test(arguments: Build.available) func anEndlessRefusalIsNotRead(_ build: Build) throws {
        let (place, sink) = try place(build)
        _ = sink
        try add(place, "sink.example.org:9437")
        let (listener, port) = try Socket.listen()
        let source = try Running(
            place.command("entropy-source", ["--once"]), in: place.directory.path,
            environment: ["https_proxy": "http://127.0.0.1:\(port)"])
        let proxy = try listener.accept()
        _ = proxy.receive(10)
        let head = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 99999999999\r\n\r\n"
        proxy.sendOn(Array(head.utf8), atMost: 64 << 20)
        let finished = source.wait(seconds: 300)
        #expect(finished.status == 69, "\(finished.errors)")
        // The source's kernel takes some 20 KB before anybody reads it.
        print("| \(build) | a proxy's endless refusal | the source took \(proxy.acknowledged) bytes |")
        #expect(proxy.acknowledged < 64 << 10)
    }
}

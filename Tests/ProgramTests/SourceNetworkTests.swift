import Foundation
import Support
import Testing

/// Sinks that misbehave, and what a source makes of them.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct SourceNetworkTests {
    func place(_ build: Build) throws -> Workplace {
        let place = try Workplace(build)
        try place.provision()
        return place
    }

    func add(_ place: Workplace, _ port: UInt16) throws {
        #expect(try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json").status == 0)
    }

    @Test(arguments: Build.available) func oneThatHangsHoldsUpNoOther(_ build: Build) throws {
        let place = try place(build)
        let (hole, port) = try Socket.listen()
        try add(place, port)
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "localhost:\(sink.port)", "--append", "targets.json")
        let source = try place.start("entropy-source", [])
        let taken = try hole.accept()
        #expect(eventually { place.outcomes.contains("mixed 1") }, "\(source.errors)")
        #expect(place.chunks == 1)
        // Asked to end, it does not wait for the other one's deadline, 75 s.
        source.signal(SIGTERM)
        let finished = source.wait(seconds: 60)
        #expect(finished.status == 0, "\(finished.errors)")
        #expect(place.outcomes.sorted() == ["mixed 1", "unreachable 0"] && finished.errors.timeouts == 1)
        withExtendedLifetime(taken) {}
    }

    /// What is gathered for the list is in it within seconds, although the round is not over; and whoever kills the source then
    /// has nobody served again.
    @Test func whatWasDeliveredIsWrittenDownWhileOneHangs() throws {
        let place = try place(.host)
        let (hole, port) = try Socket.listen()
        let catcher = try PacketCatcher(everywhere: true)
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        let addresses = ["127.0.0.1:\(port)"] + (1...23).map { "127.0.0.\($0):\(catcher.port)" }
        let list = addresses.map { ["Address": $0, "Public": key] }
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: list)))
        func noted() throws -> Int {
            let parsed = try JSONSerialization.jsonObject(with: Data(place.directory.read("targets.json")))
            return try #require(parsed as? [[String: Any]]).count { $0["Next"] != nil }
        }
        let source = try place.start("entropy-source", ["--once"])
        #expect(try eventually { try noted() == 23 }, "\(source.errors)")
        #expect(source.process.isRunning)
        source.signal(SIGKILL)
        #expect(source.wait().status == SIGKILL)
        let again = try place.start("entropy-source", ["--once"])
        let taken = [try hole.accept(), try hole.accept()]
        again.signal(SIGTERM)
        _ = again.wait()
        #expect(catcher.frames.count == 23)
        withExtendedLifetime(taken) {}
    }

    @Test(arguments: Build.available) func oneThatClosesUnreadIsNotServed(_ build: Build) throws {
        let place = try place(build)
        let (listener, port) = try Socket.listen()
        try add(place, port)
        let source = try place.start("entropy-source", ["--once"])
        do { _ = try listener.accept() }
        let finished = source.wait()
        #expect(finished.status == 69, "\(finished.errors)")
        #expect(try place.number("targets.json", "Next") ?? 0 == 0)
    }

    @Test(
        arguments: Build.available,
        [
            ([0x00], "unreachable"), ([0, 43, 1, 2, 3], "unreachable"), ([0x00, 0x00], "foreign"),
            ([0xff, 0xff, 1, 2, 3], "foreign"), ([0, 43] + [UInt8](repeating: 7, count: 43), "foreign"),
            (Array("HTTP/1.1 302 Found\r\n\r\n".utf8), "foreign"), (Array("S".utf8), "foreign"),
            ([0x15, 3, 3, 0, 2, 2, 70], "foreign"),
        ] as [([UInt8], String)])
    func whatIsNoReceiptIsNone(_ build: Build, _ answer: ([UInt8], String)) throws {
        let place = try place(build)
        let (listener, port) = try Socket.listen()
        try add(place, port)
        let source = try place.start("entropy-source", ["--once", "--json"])
        do {
            let connection = try listener.accept()
            let header = connection.receive(2)
            #expect(header.count == 2)
            _ = connection.receive(Int(header[0]) << 8 | Int(header[1]))
            connection.send(answer.0)
        }
        let finished = source.wait()
        #expect(finished.status == 69, "\(finished.errors)")
        #expect(try status(of: finished.output) == [answer.1])
        #expect(try place.number("targets.json", "Counter") == 1)
        #expect(try place.number("targets.json", "Next") ?? 0 == 0)
    }

    /// The statuses in a report.
    func status(of json: Data) throws -> [String] {
        let parsed = try JSONSerialization.jsonObject(with: json) as? [String: Any]
        return try #require(parsed?["Targets"] as? [[String: Any]]).compactMap { $0["Status"] as? String }
    }

    /// A server that speaks first is known before a packet is made for it, where it is quick enough: it costs no counter.
    @Test(arguments: Build.available) func oneThatSpeaksFirstIsNoSink(_ build: Build) throws {
        let place = try place(build)
        let (listener, port) = try Socket.listen()
        try add(place, port)
        let source = try place.start("entropy-source", ["--once", "--json"])
        let connection = try listener.accept()
        connection.send(Array("SSH-2.0-OpenSSH_9.2p1\r\n".utf8))
        let finished = source.wait()
        #expect(finished.status == 69, "\(finished.errors)")
        #expect(try status(of: finished.output) == ["foreign"])
        withExtendedLifetime(connection) {}
    }

    /// A sink that gave a receipt once, and is then replaced by whoever takes the packet and says nothing: a server with other
    /// keys, another program, somebody on the way. None of it counts as delivered, in another run of the program either.
    @Test(arguments: Build.available, SilentEnd.allCases)
    func silenceOfASinkThatGaveReceiptsIsAFailure(_ build: Build, _ end: SilentEnd) throws {
        let place = try place(build)
        let sink = try RunningSink(place)
        try add(place, sink.port)
        #expect(try place.run("entropy-source", "--once").status == 0)
        let next = try place.number("targets.json", "Next")
        #expect(sink.stop().status == 0)
        let other = try end.replace(place, port: sink.port)
        for _ in 1...2 {
            let again = try place.run("entropy-source", "--once", "--now", "--json")
            #expect(again.status == 1, "\(again.errors)")
            #expect(try status(of: again.output) == ["silent"])
            #expect(try place.number("targets.json", "Next") == next)
        }
        // A monitor is not told that all is well for that: the last success was long ago.
        try edit(place) { $0["LastServed"] = Int64(1_000_000) }
        #expect(try place.run("entropy-source", "--check-age", "1h").status == 2)
        // Without what was remembered, or where the list says that this sink gives none, it is as an original sink is.
        try place.edit("targets.json") { $0["Receipts"] = false }
        #expect(try status(of: place.run("entropy-source", "--once", "--now", "--json").output) == ["unconfirmed"])
        withExtendedLifetime(other) {}
    }

    enum SilentEnd: String, CaseIterable, CustomTestStringConvertible {
        /// Takes the packet, and closes.
        case taken
        /// A sink of ours with another sealing key, and one with another signer.
        case key, signer
        var testDescription: String { rawValue }

        func replace(_ place: Workplace, port: UInt16) throws -> AnyObject {
            if self == .taken { return try PacketCatcher(port: port) }
            try place.run(
                self == .key ? "curve25519gen" : "rsagen", self == .key ? "-a" : "--software", "-o",
                self == .key ? "decrypt2" : "signer2")
            let configuration = try place.run(
                "entropy-config", "-a", "127.0.0.1:\(port)", "-k", self == .key ? "decrypt2.key" : "decrypt.key", "-s",
                self == .key ? "signer.pub" : "signer2.pub")
            #expect(configuration.status == 0, "\(configuration.errors)")
            try place.directory.write("config.json", Array(configuration.output))
            return try RunningSink(place)
        }
    }

    /// Changes the first target in the report.
    func edit(_ place: Workplace, _ change: (inout [String: Any]) -> Void) throws {
        try place.edit("source.status.json") {
            guard var targets = $0["Targets"] as? [[String: Any]], !targets.isEmpty else { return }
            change(&targets[0])
            $0["Targets"] = targets
        }
    }

    /// What a monitor asks, of runs with --once and of a service: the codes are those of Nagios' plugins.
    @Test(arguments: Build.available) func aMonitorIsTold(_ build: Build) throws {
        let place = try place(build)
        func check(_ time: String) throws -> Int32 { try place.run("entropy-source", "--check-age", time).status }
        #expect(try check("1h") == 3)
        let sink = try RunningSink(place)
        try add(place, sink.port)
        #expect(try place.run("entropy-source", "--once").status == 0)
        #expect(try check("1h") == 0)
        let line = try place.run("entropy-source", "--check-age", "1h")
        #expect(line.text.hasPrefix("ENTROPY OK - ") && line.text.split(separator: "\n").count == 1, "\(line.text)")
        // A service keeps what was known, and says that it runs, until it ends.
        let source = try place.start("entropy-source", [])
        func report() throws -> [String: Any] {
            let json = try place.run("entropy-source", "--status", "--json").output
            return try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        }
        #expect(try eventually { try report()["Started"] != nil }, "\(source.errors)")
        #expect(try report()["Running"] as? Bool == true && check("1h") == 0)
        let target = try #require((try report()["Targets"] as? [[String: Any]])?.first)
        #expect(target["LastServed"] as? Int == target["Time"] as? Int && target["LastServed"] != nil)
        #expect((target["Next"] as? NSNumber)?.int64Value == (try place.number("targets.json", "Next")))
        source.signal(SIGKILL)
        _ = source.wait()
        #expect(try report()["Running"] as? Bool == false && check("1h") == 1)
        // One failed try does not make the last success forgotten.
        #expect(sink.stop().status == 0)
        #expect(try place.run("entropy-source", "--once", "--now").status == 69)
        let failed = try #require((try report()["Targets"] as? [[String: Any]])?.first)
        #expect(failed["Status"] as? String == "unreachable")
        #expect(failed["LastServed"] as? Int == target["LastServed"] as? Int)
        #expect(try check("1h") == 0)
        try edit(place) { $0["LastServed"] = Int64(1_000_000) }
        #expect(try check("1h") == 2)
        try place.directory.write("source.status.json", "{}")
        #expect(try check("1h") == 3)
        try refused(place, 64, ["--check-age"], "entropy-source", "--check-age", "never")
        try refused(place, 64, ["--now"], "entropy-source", "--now")
    }

    @Test(arguments: Build.available) func aSinkThatIsAheadMovesTheCounterForward(_ build: Build) throws {
        let place = try place(build)
        try place.edit("config.json") { $0["Counter"] = Int64(1) << 32 }
        let sink = try RunningSink(place)
        try add(place, sink.port)
        #expect(try place.deliver() == (1, ["refused 1"]))
        #expect(try place.number("targets.json", "Counter") == 1 << 32)
        #expect(try place.deliver() == (0, ["mixed 4294967297"]))
    }

    /// So far ahead that it is a lie, or an error: the counter is not used up for it, unless an operator says so.
    @Test(arguments: Build.available) func aSinkThatIsFarAheadIsNotBelieved(_ build: Build) throws {
        let place = try place(build)
        try place.edit("config.json") { $0["Counter"] = Int64(1) << 62 }
        let sink = try RunningSink(place)
        try add(place, sink.port)
        #expect(try place.deliver() == (1, ["refused 1"]))
        #expect(try place.number("targets.json", "Counter") == 1)
        #expect(try place.deliver(["--accept-counter-jump"]) == (1, ["refused 2"]))
        #expect(try place.number("targets.json", "Counter") == 1 << 62)
        #expect(try place.deliver() == (0, ["mixed \((1 << 62) + 1)"]))
    }

    @Test(arguments: Build.available) func whatCameOfItIsPrinted(_ build: Build) throws {
        let place = try place(build)
        let sink = try RunningSink(place)
        try add(place, sink.port)
        let catcher = try PacketCatcher()
        for port in [catcher.port, 1] { try add(place, port) }
        let once = try place.run("entropy-source", "--once", "--json")
        #expect(once.status == 69)
        let parsed = try JSONSerialization.jsonObject(with: once.output) as? [String: Any]
        let targets = try #require(parsed?["Targets"] as? [[String: Any]])
        func target(_ port: UInt16) -> [String: Any]? {
            targets.first { $0["Address"] as? String == "127.0.0.1:\(port)" }
        }
        #expect(target(sink.port)?["Status"] as? String == "mixed" && target(sink.port)?["Counter"] as? Int == 1)
        #expect(target(sink.port)?["Bytes"] as? Int == 1399 && target(sink.port)?["Reason"] == nil)
        #expect(target(catcher.port)?["Status"] as? String == "unconfirmed")
        #expect(target(1)?["Status"] as? String == "unreachable")
        #expect((target(1)?["Reason"] as? String)?.isEmpty == false)
        let table = try place.run("entropy-source", "--once").text.split(separator: "\n")
        #expect(table.count == 2 && table[0].hasPrefix("sink ") && table[1].hasPrefix("127.0.0.1:1  unreachable  -"))
        // The same of a running one, from its file.
        try place.edit("targets.json") { $0["Next"] = 0 }
        let source = try place.start("entropy-source", ["--scan", "1s"])
        #expect(
            eventually { Set(place.outcomes) == ["mixed 2", "unconfirmed 2", "unreachable 0"] }, "\(place.outcomes)")
        let json = try place.run("entropy-source", "--status", "--json")
        #expect(try self.status(of: json.output).sorted() == ["mixed", "unconfirmed", "unreachable"])
        let status = try place.run("entropy-source", "--status")
        #expect(status.status == 0 && status.text.split(separator: "\n").count == 7, "\(status.text)")
        #expect(try place.directory.mode("source.status.json") == 0o600)
        // A target that refuses is tried later and later, not at every scan.
        func waits() -> [Int] { source.errors.waits(for: "127.0.0.1:1") }
        #expect(eventually { waits().count >= 3 }, "\(source.errors)")
        #expect(waits()[2] > waits()[0], "\(waits())")
        // Nothing in that file can move the cursor.
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        try place.directory.write(
            "odd", "{\"Targets\": [{\"Address\": \"\\u001b[2J\", \"Public\": \"\(key)\", \"Status\": \"mixed\"}]}")
        let odd = try place.run("entropy-source", "--status", "--status-file", "odd")
        #expect(odd.status == 0 && odd.text.contains("?[2J  mixed") && !odd.output.contains(0x1b), "\(odd.errors)")
        try refused(place, 66, ["none"], "entropy-source", "--status", "--status-file", "none")
        try refused(place, 64, ["--json"], "entropy-source", "--json")
        try refused(place, 64, ["--key", "--status"], "entropy-source", "--status", "-k", "signer.key")
    }

    /// Named by mistake, what is no report stays, and the source delivers all the same.
    @Test(arguments: Build.available) func theReportReplacesNothingElse(_ build: Build) throws {
        for name in ["targets.json", "decrypt.key", "config.json"] {
            let place = try place(build)
            let sink = try RunningSink(place)
            try add(place, sink.port)
            let before = try place.directory.read(name)
            let source = try place.start("entropy-source", ["--scan", "1s", "--status-file", name])
            #expect(eventually { source.errors.packets(.mixed) == [1] }, "\(source.errors)")
            #expect(eventually { source.errors.lines(about: name).count == 1 }, "\(source.errors)")
            source.signal(SIGTERM)
            let finished = source.wait()
            #expect(finished.status == 0)
            #expect(finished.errors.lines(about: name).count == 1, "\(finished.errors)")
            if name == "decrypt.key" {
                #expect(try place.directory.read(name) == before)
            } else {
                // It has its work done in it, and is what it was.
                #expect(try place.number(name, "Counter") == 1)
            }
        }
    }

    @Test(arguments: Build.available) func aSinkWithAnotherSignerSaysNothing(_ build: Build) throws {
        let place = try place(build)
        let sink = try RunningSink(place)
        try add(place, sink.port)
        try place.run("rsagen", "--software", "--force")
        // Whoever cannot be authenticated gets no byte: to the source it is as an original sink.
        #expect(try place.deliver() == (0, ["unconfirmed 1"]))
        #expect(sink.stop().status == 0)
        #expect(place.chunks == 0 && sink.log.packets.isEmpty, "\(sink.log)")
        #expect(try place.number("config.json", "Counter") == 0)
    }

    @Test(arguments: Build.available) func aHundredSinksAtOnce(_ build: Build) throws {
        let place = try place(build)
        try place.edit("config.json") { $0["Address"] = ":0" }
        let sink = try RunningSink(place)
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        // The same sink under many names: 127.0.0.0/8 is all this machine. It has one counter, so most packets are refused
        // by it, and 32 places for one peer, so some connections are closed unread.
        let entries = (1...100).map { ["Address": "127.0.0.\($0):\(sink.port)", "Public": key] }
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: entries)))
        let source = try place.run("entropy-source", "--once")
        for entry in entries {
            let lines = source.errors.lines(about: entry["Address"] ?? "")
            #expect(lines.count == 1, "\(lines)")
        }
        // What was not looked at does not pass for sent.
        let ends = place.outcomes
        #expect(ends.count == 100 && ends.count { $0 == "mixed 1" } == 1 && ends.contains("refused 1"), "\(ends)")
        #expect(Set(ends).subtracting(["mixed 1", "refused 1", "unreachable 0"]).isEmpty, "\(ends)")
        #expect(place.chunks == 1 && source.errors.timeouts == 0, "\(source.errors)")
    }
}

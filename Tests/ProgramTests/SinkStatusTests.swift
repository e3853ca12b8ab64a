import Foundation
import Support
import Testing

/// What a running sink tells who asks: `entropy-sink --status`.
@Suite struct SinkStatusTests {
    let place: Workplace

    init() throws {
        place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
    }

    func status(_ arguments: String...) throws -> Finished {
        try place.start("entropy-sink", ["--status"] + arguments).wait()
    }

    func object() throws -> [String: Any] {
        let finished = try status("--json")
        return try #require(try JSONSerialization.jsonObject(with: finished.output) as? [String: Any])
    }

    func signer() throws -> [String: Any] { try #require((object()["Signers"] as? [[String: Any]])?.first) }

    @Test func itTellsWhatBecameOfEachSignersPackets() throws {
        let before = Int(Date().timeIntervalSince1970)
        let sink = try RunningSink(place)
        let source = try HostileSource(place)
        let fingerprint = source.signer.publicKey.fingerprint
        let label = fingerprint.prefix(8)
        #expect(eventually { (try? status().status) == 0 })
        #expect(
            try status().text.hasSuffix(
                "\nsigner    counter  mixed  age    refused\n\(label)  0        0      never  -\n"))
        #expect(try object()["Running"] as? Bool == true && signer()["Age"] == nil)
        #expect(try source.send(goodChunk(), counter: 7, to: sink.port)?.status == .mixed)
        #expect(try source.send([UInt8](repeating: 0, count: 1024), counter: 8, to: sink.port)?.status == .notMixed)
        #expect(try source.send(goodChunk(), counter: 8, to: sink.port)?.status == .counterRegressed)
        #expect(try eventually { try signer()["Mixed"] as? Int == 1 }, "\(sink.log)")
        let found = try signer()
        #expect(found["Fingerprint"] as? String == fingerprint && found["Counter"] as? Int == 8)
        let now = Int(Date().timeIntervalSince1970)
        #expect((0...now - before + 1).contains(found["Age"] as? Int ?? -1))
        #expect((before...now).contains(found["LastMixed"] as? Int ?? 0))
        let refused = try #require(found["Refused"] as? [String: Int])
        #expect(refused == ["Recipient": 0, "Drift": 0, "Counter": 1, "Storage": 0, "Chunk": 1, "Pool": 0])
        let text = try status().text
        #expect(text.hasSuffix("  Counter 1, Chunk 1\n"), "\(text)")
        #expect(try place.directory.mode("sink.status.json") == 0o600)
        #expect(sink.stop().status == 0)
        // It says so, and goes on to count.
        #expect(try status().status == 0 && object()["Running"] as? Bool == false)
        #expect(try !place.directory.names().contains { $0.contains(".sink.status.json") })
    }

    @Test func aRestartKeepsWhenTheLastOneWasMixed() throws {
        let source = try HostileSource(place)
        var sink = try RunningSink(place)
        #expect(try source.send(goodChunk(), counter: 1, to: sink.port)?.status == .mixed)
        #expect(sink.stop().status == 0)
        let last = try #require(try signer()["LastMixed"] as? Int)
        try place.edit("sink.status.json") { object in
            var signers = object["Signers"] as? [[String: Any]] ?? []
            signers[0]["LastMixed"] = last - 100_000
            object["Signers"] = signers
        }
        sink = try RunningSink(place)
        #expect(try signer()["LastMixed"] as? Int == last - 100_000 && signer()["Mixed"] as? Int == 0)
        // Old as it is, nobody warns before a day has passed here.
        #expect(try status().text.contains(", above 86400  -\n"))
        #expect(try source.send(goodChunk(2), counter: 2, to: sink.port)?.status == .mixed)
        let packet = try #require(sink.log.packets.last)
        let since = Int(Date().timeIntervalSince1970) - last
        // It tells how long that was after the one before.
        #expect(packet.counter == 2 && packet.fate == .mixed)
        #expect((100_000...100_000 + since).contains { packet.line.names("\($0)") }, "\(packet.line)")
        // One that was killed runs no more, and what it left is in nobody's way.
        sink.running.signal(SIGKILL)
        _ = sink.running.wait()
        #expect(try object()["Running"] as? Bool == false)
        sink = try RunningSink(place)
        #expect(eventually { (try? object()["Running"] as? Bool) == true })
        #expect(sink.stop().status == 0)
        #expect(!sink.log.contains("sink.status.json"), "\(sink.log)")
    }

    /// The codes of Nagios' plugins: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    @Test func aMonitorIsToldByCodes() throws {
        func check(_ limit: String, _ file: String = "sink.status.json") throws -> Finished {
            try place.start("entropy-sink", ["--check-age", limit, "--status-file", file]).wait()
        }
        #expect(try check("1h").status == 3)
        let source = try HostileSource(place)
        var sink = try RunningSink(place)
        #expect(eventually { (try? status().status) == 0 })
        #expect(try check("1h").status == 2)
        #expect(try source.send(goodChunk(), counter: 1, to: sink.port)?.status == .mixed)
        #expect(eventually { (try? check("1h").status) == 0 })
        let good = try check("1h")
        #expect(good.text.hasPrefix("ENTROPY OK - ") && good.text.split(separator: "\n").count == 1)
        #expect(sink.stop().status == 0)
        #expect(try check("1h").status == 1)
        for (last, code) in [(-3000, 1), (-4000, 2), (4000, 2)] as [(Int, Int32)] {
            try place.edit("sink.status.json") { object in
                var signers = object["Signers"] as? [[String: Any]] ?? []
                signers[0]["LastMixed"] = Int(Date().timeIntervalSince1970) + last
                object["Signers"] = signers
            }
            #expect(try check("1h").status == code)
        }
        sink = try RunningSink(place)
        #expect(try check("1h").status == 2)
        #expect(sink.stop().status == 0)
        try place.directory.write("odd", "{}")
        #expect(try check("1h", "odd").status == 3)
        #expect(try check("soon").status == 64)
    }

    @Test func anotherConfigurationListsOthers() throws {
        let sink = try RunningSink(place)
        try place.run("rsagen", "--software", "--algorithm", "ecdsa", "-o", "other")
        #expect(try place.run("entropy-config", "--add-signer", "other.pub").status == 0)
        try place.edit("config.json") { $0["MaximumAge"] = 5 }
        sink.running.signal(SIGHUP)
        #expect(try eventually { try (object()["Signers"] as? [Any])?.count == 2 }, "\(sink.log)")
        #expect(try object()["MaximumAge"] as? Int == 5)
        #expect(sink.stop().status == 0)
    }

    @Test func whatCannotBeWrittenHindersNothing() throws {
        let source = try HostileSource(place)
        try place.directory.write("precious", "precious")
        var counter: Int64 = 0
        for name in [".", "none/status.json", "precious", "config.json", "decrypt.key", "/dev/null"] {
            let before = try place.directory.read("decrypt.key")
            let sink = try RunningSink(place, options: ["--status-file", name])
            #expect(eventually { sink.log.lines(about: name).count == 1 }, "\(name): \(sink.log)")
            for _ in 0..<3 {
                counter += 1
                #expect(try source.send(goodChunk(counter), counter: counter, to: sink.port)?.status == .mixed)
            }
            let finished = sink.stop()
            #expect(finished.status == 0)
            // Once, however often it is tried.
            #expect(finished.errors.lines(about: name).count == 1, "\(name): \(finished.errors)")
            #expect(try place.directory.read("decrypt.key") == before)
            #expect(try place.number("config.json", "Counter") == counter)
            #expect(try place.directory.text("precious") == "precious")
        }
    }

    /// A disk that does not answer, played by a program that holds the file's lock.
    @Test(.enabled(if: haveTools("flock"), "flock is not installed"))
    func aDiskThatHangsHoldsUpNoPacket() throws {
        let holder = try Running(
            ["flock", "-F", place.directory.file(".sink.status.json.lock"), "sleep", "infinity"],
            in: place.directory.path)
        #expect(eventually { FileManager.default.fileExists(atPath: place.directory.file(".sink.status.json.lock")) })
        let source = try HostileSource(place)
        let sink = try RunningSink(place)
        for counter in 1...5 as ClosedRange<Int64> {
            #expect(try source.send(goodChunk(counter), counter: counter, to: sink.port)?.status == .mixed)
        }
        #expect(sink.stop().status == 0)
        #expect(holder.process.isRunning)
    }

    @Test func hostileContentStaysContent() throws {
        let digits = String(repeating: "a", count: 64)
        let good =
            "{\"Started\": -9223372036854775808, \"Written\": 9223372036854775807, \"Signers\": [{\"Fingerprint\": \"\(digits)\", "
            + "\"Counter\": 9223372036854775807, \"LastMixed\": -9223372036854775808, \"Refused\": {}}]}"
        try place.directory.write("odd", good)
        let shown = try status("--status-file", "odd")
        #expect(
            shown.status == 0 && shown.text.contains("aaaaaaaa  9223372036854775807  0      9223372036854775807  -\n"))
        for bad in [
            good.replacingOccurrences(of: digits, with: "\\u001b[2J" + digits.dropFirst(4)),
            good.replacingOccurrences(of: "\"Written\"", with: "\"Written\\u001b[2J\""),
            "{\"\u{1b}[2J\": ", String(repeating: "[", count: 1000), String(repeating: " ", count: 1 << 17), "",
        ] {
            try place.directory.write("odd", bad)
            for arguments in [[], ["--json"]] {
                let finished = try place.start("entropy-sink", ["--status", "--status-file", "odd"] + arguments).wait()
                #expect(finished.status == 65 && finished.output.isEmpty, "\(bad.prefix(80)): \(finished.errors)")
                #expect(!finished.errors.contains("\u{1b}") && finished.errorLines.count == 1, "\(finished.errors)")
            }
        }
        try refused(place, 66, ["none", "--status-file"], "entropy-sink", "--status", "--status-file", "none")
        try refused(place, 65, ["."], "entropy-sink", "--status", "--status-file", ".")
        // One that would be replaced while chunks are appended to it.
        try refused(place, 64, ["--status-file", "--pool"], "entropy-sink", "--pool", "pool", "--status-file", "pool")
        try refused(place, 64, ["--json", "--status"], "entropy-sink", "--json")
        try refused(place, 64, ["--json", "--status"], "entropy-sink", "--check", "--json")
        try refused(place, 64, ["--file", "--status"], "entropy-sink", "--status", "-f", "config.json")
        try refused(place, 64, ["--check", "--status"], "entropy-sink", "--status", "--check")
    }

    /// Another user who may read the file, and may not see whether the sink runs.
    @Test(.enabled(if: getuid() == 0 && haveTools("setpriv"), "only root can become somebody else"))
    func whoMayNotSeeWhetherItRunsIsToldSo() throws {
        let sink = try RunningSink(place)
        #expect(eventually { (try? status().status) == 0 })
        for (name, mode) in [("", 0o755), ("sink.status.json", 0o644)] {
            #expect(chmod(place.directory.file(name), mode_t(mode)) == 0)
        }
        let finished = try run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + Build.host.command("entropy-sink") + [
                "--status", "--json",
            ], in: place.directory.path)
        #expect(finished.status == 0, "\(finished.errors)")
        let seen = try #require(try JSONSerialization.jsonObject(with: finished.output) as? [String: Any])
        #expect(seen["Running"] == nil && seen["Signers"] != nil)
        #expect(try object()["Running"] as? Bool == true)
        #expect(sink.stop().status == 0)
    }
}

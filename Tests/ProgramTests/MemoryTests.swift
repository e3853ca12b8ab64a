import EntropyCrypto
import Foundation
import Support
import Testing

/// What is in a program's memory, and who may look at it.
@Suite struct MemoryTests {
    /// The key stands in the configuration, which the sink writes with each counter.
    @Test(
        .enabled(if: geteuid() == 0, "only root may look into another process"),
        .disabled(if: Build.isSanitized, "a sanitizer keeps what is freed"))
    func aSinkKeepsItsKeyInOnePlaceAndNoChunk() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        let source = try HostileSource(place)
        let process = sink.running.process.processIdentifier
        let key = try place.directory.read("decrypt.key")
        for counter in 1...20 as ClosedRange<Int64> {
            let chunk = goodChunk(counter)
            #expect(try source.send(chunk, counter: counter, to: sink.port)?.status == .mixed)
            // Its parts, too: the beginning of a freed piece of memory is the allocator's.
            for part in [chunk[..<256], chunk[512..<768], chunk[768...]] {
                #expect(eventually { (try? copies(of: Array(part), in: process)) == 0 }, "\(counter)")
            }
        }
        #expect(try place.number("config.json", "Counter") == 20)
        // The one in guarded memory.
        #expect(try copies(of: key, in: process) == 1)
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.rereadings == 1 })
        // Each reading has its own; none of any part of its text.
        #expect(try (1...2).contains(copies(of: key, in: process)))
        let text = Array(Base64.encode(key).utf8)
        for part in [text[..<12], text[16..<28], text[32...]] {
            #expect(try copies(of: Array(part), in: process) == 0)
        }
        #expect(sink.stop().status == 0)
    }

    /// No core file, and nobody but root may look in.
    @Test(.enabled(if: geteuid() == 0 && haveTools("setpriv"), "only root can become somebody else"))
    func noProgramShowsItsMemory() throws {
        let place = try Workplace(.host)
        try place.provision()
        try place.edit("config.json") { $0["State"] = "state.json" }
        #expect(chmod(place.directory.path, 0o777) == 0)
        for name in try place.directory.names() { #expect(chmod(place.directory.file(name), 0o666) == 0) }
        try place.run("entropy-target", "-a", "127.0.0.1:1", "--append", "targets.json")
        #expect(chmod(place.directory.file("targets.json"), 0o666) == 0)
        let somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        for (program, arguments, ready) in [
            ("entropy-sink", ["--pool", "pool"], "listening on"), ("entropy-source", [], "noise by"),
        ] {
            let running = try Running(somebody + place.command(program, arguments), in: place.directory.path)
            #expect(eventually { running.errors.contains(ready) }, "\(running.errors)")
            let path = "/proc/\(running.process.processIdentifier)"
            let limits = try String(contentsOfFile: "\(path)/limits", encoding: .utf8)
            let core = limits.split(separator: "\n").first { $0.hasPrefix("Max core file size") }
            #expect(core?.split(separator: " ").dropFirst(4).prefix(2) == ["0", "0"], "\(core ?? "")")
            var status = stat()
            #expect(stat("\(path)/mem", &status) == 0 && status.st_uid == 0, "\(program)")
            running.signal(SIGKILL)
            _ = running.wait()
        }
    }

    @Test func whatAKilledProgramLeftIsRemoved() throws {
        let place = try Workplace(.host)
        try place.provision()
        try place.edit("config.json") { $0["State"] = "state.json" }
        for name in ["config.json", "state.json", "sink.status.json"] {
            for end in ["lock", "new"] { try place.directory.write(".\(name).\(end)", "a secret") }
        }
        let sink = try RunningSink(place)
        #expect(sink.stop().status == 0)
        #expect(try place.directory.names().filter { $0.hasPrefix(".") } == [])
    }
}

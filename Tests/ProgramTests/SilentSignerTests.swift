import Foundation
import Support
import Testing

/// A sink tells when nothing comes any more.
@Suite struct SilentSignerTests {
    @Test func aSilentSignerIsMissedAndWelcome() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        try place.edit("config.json") { $0["MaximumAge"] = 1 }
        let sink = try RunningSink(place)
        let source = try HostileSource(place)
        let label = String(source.signer.publicKey.fingerprint.prefix(8))
        func warnings() -> Int { sink.log.split(separator: "\n").count { $0.names("MaximumAge") && $0.names(label) } }
        #expect(eventually { warnings() >= 1 }, "\(sink.log)")
        // Broken chunks do not make it fresh.
        #expect(try source.send([UInt8](repeating: 0, count: 1024), counter: 1, to: sink.port)?.status == .notMixed)
        #expect(try source.send(goodChunk(), counter: 2, to: sink.port)?.status == .mixed)
        #expect(eventually { sink.log.packets(.mixed) == [2] }, "\(sink.log)")
        // Without a limit nobody is missed.
        try place.edit("config.json") { $0["MaximumAge"] = 0 }
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.rereadings == 1 }, "\(sink.log)")
        #expect(try source.send(goodChunk(2), counter: 3, to: sink.port)?.status == .mixed)
        #expect(sink.stop().status == 0)
        // Said once, maybe twice, had it waited more than a second before SIGHUP came.
        #expect((1...2).contains(warnings()), "\(sink.log)")
    }

    @Test func whatCheckSays() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        func line() throws -> Substring? {
            try place.run("entropy-sink", "--check").text.split(separator: "\n").first { $0.hasPrefix("maximum age ") }
        }
        #expect(try line()?.names("86400") == true)
        try place.edit("config.json") { $0["MaximumAge"] = 0 }
        #expect(try line()?.names("none") == true)
        try place.edit("config.json") { $0["MaximumAge"] = -1 }
        try refused(place, 65, ["config.json", "MaximumAge"], "entropy-sink", "--check")
    }
}

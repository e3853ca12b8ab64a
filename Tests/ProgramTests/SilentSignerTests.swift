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
        #expect(
            eventually { sink.log.contains("no packet of signer \(label) was mixed for ") }, "\(sink.log)")
        #expect(sink.log.contains(" s, not one since the sink took it up (MaximumAge 1): is its source running"))
        // Broken chunks do not make it fresh.
        #expect(try source.send([UInt8](repeating: 0, count: 1024), counter: 1, to: sink.port)?.status == .notMixed)
        #expect(try source.send(goodChunk(), counter: 2, to: sink.port)?.status == .mixed)
        #expect(
            eventually { sink.log.contains("packet 2 mixed, 1024 bytes appended; its signer is fresh again\n") },
            "\(sink.log)")
        // Without a limit nobody is missed, and the way from one packet to the next is told all the same.
        try place.edit("config.json") { $0["MaximumAge"] = 0 }
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.contains("read config.json anew") }, "\(sink.log)")
        #expect(try source.send(goodChunk(2), counter: 3, to: sink.port)?.status == .mixed)
        #expect(eventually { sink.log.contains(" s after the one before\n") }, "\(sink.log)")
        #expect(sink.stop().status == 0)
        // Said once, maybe twice, had it waited more than a second before SIGHUP came.
        #expect(sink.log.components(separatedBy: "no packet of signer").count <= 3, "\(sink.log)")
    }

    @Test func whatCheckSays() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        func check() throws -> String { try place.run("entropy-sink", "--check").text }
        #expect(try check().contains("maximum age  86400 s without a packet of a signer, then the log warns\n"))
        try place.edit("config.json") { $0["MaximumAge"] = 0 }
        #expect(try check().contains("maximum age  none: no signer is missed\n"))
        try place.edit("config.json") { $0["MaximumAge"] = -1 }
        try refused(
            place, 65, ["config.json: MaximumAge: expected seconds without a packet of a signer, not below 0"],
            "entropy-sink", "--check")
    }
}

import Foundation
import Support
import Testing

/// Two boards feed one sink, and a new one comes before the old one leaves.
@Suite(.enabled(if: haveTools("swtpm", "qemu-arm-static"), "swtpm or qemu-arm-static is not installed"))
struct RotationTests {
    @Test(arguments: Build.available) func aBoardIsReplaced(_ build: Build) throws {
        let (oldTPM, newTPM) = (try SoftwareTPM(), try SoftwareTPM())
        let old = try Workplace(build, tpm: oldTPM)
        let new = try Workplace(build, tpm: newTPM)
        try old.provision()
        try new.run("rsagen", "--algorithm", "ecdsa")
        try new.directory.write("decrypt.pub", old.directory.read("decrypt.pub"))
        // The sink has its files where the old board has its own.
        let sink = try RunningSink(old)
        func deliver(_ place: Workplace, _ expected: String, exit: Int32 = 0) throws {
            if try place.directory.snapshot()["targets.json"] != nil {
                try place.edit("targets.json") {
                    $0["Next"] = 0
                    $0["Address"] = "127.0.0.1:\(sink.port)"
                }
            } else {
                try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
            }
            #expect(try place.deliver() == (exit, [expected]))
        }
        for number in 1...3 { try deliver(old, "mixed \(number)") }
        try deliver(new, "unconfirmed 1")
        // The new board is brought in while the sink runs, which goes on with the old one.
        try old.directory.write("new.pub", new.directory.read("signer.pub"))
        let added = try old.run("entropy-config", "--add-signer", "new.pub")
        #expect(added.status == 0 && added.errors.names("SIGHUP"), "\(added.errors)")
        #expect(try signers(old).count == 2)
        try deliver(old, "mixed 4")
        #expect(try signers(old).map { $0["Counter"] as? Int } == [4, 0])
        #expect(try old.run("entropy-sink", "--check").status == 0)
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.rereadings == 1 }, "\(sink.log)")
        // Each has its own counter.
        try deliver(old, "mixed 5")
        try deliver(new, "mixed 2")
        try deliver(new, "mixed 3")
        try deliver(old, "mixed 6")
        #expect(try signers(old).map { $0["Counter"] as? Int } == [6, 3])
        // Each is named in the log now.
        let areNamed = eventually {
            let labels = Set(sink.log.packets.suffix(4).map { $0.signer })
            return labels.count == 2 && !labels.contains(nil)
        }
        #expect(areNamed, "\(sink.log)")
        // The old one leaves.
        let fingerprint = try run(["sha256sum", old.directory.file("signer.pub")]).text.prefix(64)
        #expect(try old.run("entropy-config", "--remove-signer", String(fingerprint)).status == 0)
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.rereadings == 2 }, "\(sink.log)")
        try deliver(new, "mixed 4")
        try deliver(old, "silent 7", exit: 1)
        #expect(try old.directory.read("pool").count == 9 * 1024)
        #expect(sink.stop().status == 0)
    }

    /// The signers in the sink's configuration.
    func signers(_ place: Workplace) throws -> [[String: Any]] {
        let parsed = try JSONSerialization.jsonObject(with: Data(place.directory.read("config.json")))
        return try #require((parsed as? [String: Any])?["Signer"] as? [[String: Any]])
    }

    @Test(arguments: Build.available) func wrongEditsAreRefused(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(place, 65, ["config.json"], "entropy-config", "--add-signer", "signer.pub")
        try refused(place, 65, ["config.json"], "entropy-config", "--remove-signer", "signer.pub")
        try refused(place, 65, ["decrypt.pub"], "entropy-config", "--add-signer", "decrypt.pub")
        try refused(place, 66, ["none"], "entropy-config", "--add-signer", "none")
        try refused(place, 66, ["none.json"], "entropy-config", "--add-signer", "signer.pub", "-f", "none.json")
        try refused(place, 64, ["--drift"], "entropy-config", "--add-signer", "signer.pub", "-d", "1")
        try refused(place, 64, ["--file"], "entropy-config", "-f", "config.json")
        try refused(
            place, 64, ["--add-signer"], "entropy-config", "--add-signer", "signer.pub", "--add-signer", "signer.pub")
        try place.run("rsagen", "--software", "-o", "other")
        // By the beginning of a fingerprint: enough of it, of one signer only, of one that is there.
        let fingerprint = try run(["sha256sum", place.directory.file("signer.pub")]).text.prefix(64)
        try refused(place, 65, ["config.json"], "entropy-config", "--remove-signer", "\(fingerprint.prefix(8))")
        try refused(
            place, 66, ["\(fingerprint.prefix(3))"], "entropy-config", "--remove-signer", "\(fingerprint.prefix(3))")
        let absent = fingerprint.hasPrefix("00000000") ? "ffffffff" : "00000000"
        try refused(place, 65, [String(fingerprint)], "entropy-config", "--remove-signer", absent)
        // Both or neither.
        try refused(place, 66, ["none"], "entropy-config", "--add-signer", "other.pub", "--remove-signer", "none")
        try refused(place, 65, ["config.json"], "entropy-config", "--remove-signer", "other.pub")
        #expect(try place.run("entropy-config", "--add-signer", "other.pub").status == 0)
        #expect(try place.run("entropy-config", "--remove-signer", "\(fingerprint.prefix(8))").status == 0)
        try refused(place, 65, ["config.json"], "entropy-config", "--remove-signer", "\(fingerprint.prefix(8))")
        try refused(place, 65, ["config.json"], "entropy-config", "--remove-signer", "signer.pub")
        try place.directory.write("broken.json", "{\"Signer\": []}")
        try refused(
            place, 65, ["broken.json", "Address"], "entropy-config", "--add-signer", "other.pub", "-f", "broken.json")
    }
}

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
        func deliver(_ place: Workplace, _ expected: String, status: Int32 = 0) throws {
            if try place.directory.snapshot()["targets.json"] != nil {
                try place.edit("targets.json") {
                    $0["Next"] = 0
                    $0["Address"] = "127.0.0.1:\(sink.port)"
                }
            } else {
                try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
            }
            let source = try place.run("entropy-source", "--once")
            #expect(source.status == status && source.errors.contains(expected), "\(source.errors)")
        }
        for number in 1...3 { try deliver(old, "packet \(number) mixed") }
        try deliver(new, "unconfirmed")
        // The new board is brought in while the sink runs, which goes on with the old one.
        try old.directory.write("new.pub", new.directory.read("signer.pub"))
        let added = try old.run("entropy-config", "--add-signer", "new.pub")
        #expect(
            added.status == 0
                && added.errors.contains("config.json has 2 signers now; have the sink read it anew by SIGHUP"),
            "\(added.errors)")
        try deliver(old, "packet 4 mixed")
        let check = try old.run("entropy-sink", "--check").text
        #expect(check.contains("counter      4, ") && check.contains("counter      0, "), "\(check)")
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.contains("read config.json anew: counters 4 (") }, "\(sink.log)")
        // Each has its own counter.
        try deliver(old, "packet 5 mixed")
        try deliver(new, "packet 2 mixed")
        try deliver(new, "packet 3 mixed")
        try deliver(old, "packet 6 mixed")
        #expect(eventually { sink.log.contains("packet 6 of signer ") && sink.log.contains("packet 3 of signer ") })
        // The old one leaves.
        let fingerprint = try run(["sha256sum", old.directory.file("signer.pub")]).text.prefix(64)
        #expect(try old.run("entropy-config", "--remove-signer", String(fingerprint)).status == 0)
        sink.running.signal(SIGHUP)
        #expect(eventually { sink.log.contains("read config.json anew: counter 3") }, "\(sink.log)")
        try deliver(new, "packet 4 mixed")
        try deliver(old, "not delivered: no receipt", status: 1)
        #expect(try old.directory.read("pool").count == 9 * 1024)
        #expect(sink.stop().status == 0)
    }

    @Test(arguments: Build.available) func wrongEditsAreRefused(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(
            place, 65, ["config.json: this signer is there already"], "entropy-config",
            "--add-signer", "signer.pub")
        try refused(
            place, 65, ["config.json: this is the only signer"], "entropy-config", "--remove-signer",
            "signer.pub")
        try refused(place, 65, ["decrypt.pub: not a public key"], "entropy-config", "--add-signer", "decrypt.pub")
        try refused(place, 66, ["none: cannot open"], "entropy-config", "--add-signer", "none")
        try refused(
            place, 66, ["none.json: cannot open"], "entropy-config", "--add-signer", "signer.pub", "-f", "none.json")
        try refused(
            place, 64, ["--drift does not go with"], "entropy-config", "--add-signer", "signer.pub", "-d", "1")
        try refused(place, 64, ["--file goes with"], "entropy-config", "-f", "config.json")
        try refused(
            place, 64, ["--add-signer is given twice"], "entropy-config", "--add-signer", "signer.pub", "--add-signer",
            "signer.pub")
        try place.run("rsagen", "--software", "-o", "other")
        // By the beginning of a fingerprint: enough of it, of one signer only, of one that is there.
        let fingerprint = try run(["sha256sum", place.directory.file("signer.pub")]).text.prefix(64)
        try refused(
            place, 65, ["config.json: this is the only signer"], "entropy-config", "--remove-signer",
            "\(fingerprint.prefix(8))")
        try refused(
            place, 66, ["\(fingerprint.prefix(3)): cannot open"], "entropy-config", "--remove-signer",
            "\(fingerprint.prefix(3))")
        let absent = fingerprint.hasPrefix("00000000") ? "ffffffff" : "00000000"
        try refused(place, 65, [String(fingerprint)], "entropy-config", "--remove-signer", absent)
        // Both or neither.
        try refused(
            place, 66, ["none: cannot open"], "entropy-config", "--add-signer", "other.pub", "--remove-signer", "none")
        try refused(
            place, 65, ["config.json: this key is not among the signers"], "entropy-config",
            "--remove-signer", "other.pub")
        #expect(try place.run("entropy-config", "--add-signer", "other.pub").status == 0)
        #expect(try place.run("entropy-config", "--remove-signer", "\(fingerprint.prefix(8))").status == 0)
        try refused(
            place, 65, ["config.json: this signer was removed already"], "entropy-config", "--remove-signer",
            "\(fingerprint.prefix(8))")
        try refused(
            place, 65, ["config.json: this signer was removed already"], "entropy-config", "--remove-signer",
            "signer.pub")
        try place.directory.write("broken.json", "{\"Signer\": []}")
        try refused(
            place, 65, ["broken.json: Address: expected"], "entropy-config", "--add-signer", "other.pub", "-f",
            "broken.json")
    }
}

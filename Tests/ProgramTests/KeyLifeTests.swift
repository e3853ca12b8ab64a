import Foundation
import Support
import Testing

/// A signing key's life, by the programs: made, protected, inspected, moved into the TPM, proved.
@Suite(
    .enabled(if: haveTools("swtpm", "swtpm_setup", "qemu-arm-static"), "swtpm, swtpm_setup or qemu is not installed"))
struct KeyLifeTests {
    /// A source and a listening sink in one place.
    func deliver(_ place: Workplace, _ sink: RunningSink, _ arguments: [String]) throws -> Finished {
        if try !place.directory.snapshot().keys.contains("targets.json") {
            try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        }
        try place.edit("targets.json") { $0["Next"] = 0 }
        return try place.start("entropy-source", ["--once"] + arguments).wait()
    }

    @Test(arguments: Build.available) func aPasswordGuardsTheKey(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa", "--auth-file", "auth"])
        #expect(try place.directory.mode("auth") == 0o600)
        #expect(try place.directory.read("auth").count == 32)
        let sink = try RunningSink(place)
        let delivered = try deliver(place, sink, ["--auth-file", "auth"])
        #expect(delivered.status == 0 && delivered.errors.packets(.mixed) == [1], "\(delivered.errors)")
        // As systemd hands out credentials: a directory of the service's own, files that only it may read.
        try place.directory.write("credential", place.directory.read("auth"), mode: 0o400)
        let served = try deliver(place, sink, ["--auth-file", place.directory.file("credential")])
        #expect(served.status == 0 && served.errors.packets(.mixed) == [2], "\(served.errors)")
        #expect(served.errors.lines(about: place.directory.file("credential")).isEmpty, "\(served.errors)")
        // Without, with another one, with one that is none.
        try refused(place, 77, ["signer.key", "--auth-file"], "entropy-source", "--once")
        try refused(place, 77, ["signer.key", "--auth-file"], "rsagen", "--key", "signer.key", "--record", "new.json")
        try place.directory.write("wrong", "wrong")
        try refused(place, 77, ["signer.key"], "entropy-source", "--once", "--auth-file", "wrong")
        try refused(place, 66, ["none"], "entropy-source", "--once", "--auth-file", "none")
        try place.directory.write("long", String(repeating: "x", count: 33))
        try refused(place, 65, ["long"], "entropy-source", "--auth-file", "long")
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("LOCKOUT_COUNTER: 0x0"))
        #expect(try tpm.leftovers() == "")
    }

    @Test(arguments: Build.available) func aWrongPasswordOfAGuardedKeyIsTriedOnce(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.directory.write("pin", "1234\n")
        let made = try place.run("rsagen", "--algorithm", "ecdsa", "--auth-file", "pin", "--da")
        #expect(made.status == 0)
        try place.directory.write("targets.json", "[]")
        #expect(try place.run("entropy-source", "--once", "--auth-file", "pin").status == 0)
        try place.directory.write("wrong", "4321\n")
        // Each wrong one is counted once; none is no try.
        func tries() throws -> [Int] {
            let json = try place.run("rsagen", "--inspect", "--json").output
            let object = try JSONSerialization.jsonObject(with: json) as? [String: Any]
            return ["FailedTries", "MaximumTries"].compactMap { object?[$0] as? Int }
        }
        try refused(place, 77, ["signer.key", "1", "3"], "entropy-source", "--once", "--auth-file", "wrong")
        #expect(try tries() == [1, 3])
        try refused(place, 77, ["signer.key"], "entropy-source", "--once")
        #expect(try tries() == [1, 3])
        for _ in 0..<2 { try place.run("entropy-source", "--once", "--auth-file", "wrong") }
        try refused(place, 69, ["signer.key", "3"], "entropy-source", "--once", "--auth-file", "pin")
        #expect(try tries() == [3, 3])
        #expect(try tpm.leftovers() == "")
    }

    /// A key that another program made under a parent with a password that counts: nothing is tried before it is given.
    @Test(arguments: Build.available) func theParentsPasswordIsNotGuessed(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        for command in [
            ["tpm2_createprimary", "-C", "o", "-c", "p.ctx", "-G", "ecc", "-p", "geheim", "-Q"],
            ["tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000001", "-Q"],
            [
                "tpm2_create", "-C", "0x81000001", "-P", "geheim", "-G", "ecc256:ecdsa-sha256:null", "-u", "u", "-r",
                "r", "-Q", "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign",
            ],
            ["tpm2_encodeobject", "-C", "0x81000001", "-P", "geheim", "-u", "u", "-r", "r", "-o", "signer.key"],
        ] { try tpm.tools(command, in: place.directory) }
        _ = try tpm.tool("tpm2_flushcontext", "-l")
        try place.directory.write("targets.json", "[]")
        for _ in 0..<4 { #expect(try place.run("entropy-source", "--once").status == 77) }
        #expect(try place.run("rsagen", "--inspect").status == 0)
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("LOCKOUT_COUNTER: 0x0"))
        try place.directory.write("parent", "geheim\n")
        #expect(try place.run("entropy-source", "--once", "--parent-auth-file", "parent").status == 0)
        #expect(
            try place.run(
                "rsagen", "--key", "signer.key", "--record", "signer.tpm.json", "--parent-auth-file", "parent"
            ).status == 0)
        // What is recorded is the parent: the owner is not needed, with a password or without.
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "secret").status == 0)
        let served = try place.run("entropy-source", "--once", "--parent-auth-file", "parent")
        #expect(served.status == 0, "\(served.errors)")
        #expect(try tpm.leftovers() == "")
    }

    @Test(arguments: Build.available) func aKeyMovesIntoTheTPM(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa", "--persist", "0x81000010"])
        let sink = try RunningSink(place)
        try place.directory.remove("signer.key")
        let delivered = try deliver(place, sink, ["-k", "handle:0x81000010", "--record", "signer.tpm.json"])
        #expect(delivered.status == 0 && delivered.errors.packets(.mixed) == [1], "\(delivered.errors)")
        #expect(!delivered.errors.names("--record"), "\(delivered.errors)")
        // The public half comes back out, and a record can be made anew.
        #expect(try place.run("rsagen", "--key", "handle:0x81000010", "-o", "again").status == 0)
        #expect(try place.directory.read("again.pub") == place.directory.read("signer.pub"))
        #expect(try place.run("rsagen", "--key", "handle:0x81000010", "--record", "again.json").status == 0)
        #expect(try deliver(place, sink, ["-k", "handle:0x81000010", "--record", "again.json"]).status == 0)
        // A key file that exists is moved as well; a handle that is taken stays as it is.
        try place.run("rsagen", "--algorithm", "ecdsa", "-o", "second")
        let moved = try place.run("rsagen", "--key", "second.key", "--persist", "0x81000011")
        for thing in ["handle:0x81000011", "--record", "second.tpm.json"] {
            #expect(moved.errors.names(thing), "\(moved.errors)")
        }
        try refused(place, 64, ["handle:0x81000011"], "rsagen", "--key", "handle:0x81000011", "--persist", "0x81000013")
        #expect(try place.run("rsagen", "--key", "handle:0x81000011", "-o", "moved").status == 0)
        #expect(try place.directory.read("moved.pub") == place.directory.read("second.pub"))
        try refused(place, 73, ["0x81000010"], "rsagen", "--key", "second.key", "--persist", "0x81000010")
        try refused(
            place, 73, ["0x81000010"], "rsagen", "-o", "third", "--algorithm", "ecdsa", "--persist", "0x81000010")
        // What the TPM cannot do leaves nothing behind, no password either.
        try refused(place, 1, ["RSA-4096"], "rsagen", "-o", "third", "-s", "4096", "--auth-file", "new")
        try refused(place, 73, ["0x81000010"], "rsagen", "-o", "third", "--auth-file", "new", "--persist", "0x81000010")
        try refused(place, 66, ["0x81000012"], "entropy-source", "-k", "handle:0x81000012")
        #expect(try tpm.leftovers() == "")
    }

    /// A key in the place of another one is of the same kind, unless the options say otherwise.
    @Test(arguments: Build.available) func replacingKeepsWhatTheOldOneHad(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        func seen(_ member: String, _ arguments: [String]) throws -> String? {
            let json = try place.start("rsagen", ["--inspect", "--json"] + arguments).wait()
            let object = try JSONSerialization.jsonObject(with: json.output) as? [String: Any]
            return object?[member] as? String
        }
        try place.directory.write("pin", "1234\n")
        try place.run("rsagen", "--algorithm", "ecdsa", "--auth-file", "pin", "--da")
        let first = try place.directory.read("signer.pub")
        let before = try place.directory.snapshot()
        // The password is not lost by leaving it out.
        #expect(try place.run("rsagen", "--force").status == 64)
        #expect(try place.directory.snapshot() == before)
        #expect(try place.run("rsagen", "--force", "--auth-file", "pin").status == 0)
        #expect(try place.directory.read("signer.pub") != first)
        #expect(try seen("Algorithm", ["--auth-file", "pin"]) == "P-256 (ECDSA, SHA-256)")
        #expect(try seen("Attributes", ["--auth-file", "pin"])?.contains("noDA") == false)
        // Told otherwise.
        #expect(try place.run("rsagen", "--force", "--auth-file", "pin", "--algorithm", "rsa").status == 0)
        #expect(try seen("Algorithm", ["--auth-file", "pin"]) == "RSA-2048 (RSASSA-PSS, SHA-256)")
        #expect(try seen("Attributes", ["--auth-file", "pin"])?.contains("noDA") == false)
        try place.directory.remove("signer.key")
        #expect(try place.run("rsagen", "--force").status == 0)
        #expect(try seen("Attributes", [])?.contains("noDA") == true)
        // A software key is of an algorithm too; what is no key has nothing to keep.
        try place.run("rsagen", "--software", "--algorithm", "ecdsa", "-o", "soft")
        #expect(try place.run("rsagen", "--force", "-o", "soft").status == 0)
        #expect(try seen("Algorithm", ["--key", "soft.key"]) == "P-256 (ECDSA, SHA-256)")
        try place.directory.write("soft.key", "nothing")
        #expect(try place.run("rsagen", "--force", "-o", "soft").status == 0)
        #expect(try seen("Algorithm", ["--key", "soft.key"]) == "RSA-2048 (RSASSA-PSS, SHA-256)")
    }

    @Test(arguments: Build.available) func theRecordIsChecked(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa"])
        try place.directory.write("targets.json", "[]")
        #expect(try place.run("entropy-source", "--once").status == 0)
        #expect(try place.directory.mode("signer.tpm.json") == 0o644)
        let good = try place.directory.read("signer.tpm.json")
        for (member, name) in [("PrimaryName", "signer.key"), ("KeyName", "signer.tpm.json")] {
            try place.edit("signer.tpm.json") { object in
                var name = Array(Data(base64Encoded: object[member] as? String ?? "") ?? Data())
                name[9] ^= 1
                object[member] = Data(name).base64EncodedString()
            }
            try refused(place, 65, [name], "entropy-source", "--once")
            try place.directory.write("signer.tpm.json", good)
        }
        try place.directory.write("signer.tpm.json", "{}")
        try refused(place, 65, ["signer.tpm.json", "KeyName"], "entropy-source", "--once")
        // A key of an earlier version has none: said, with what to do.
        try place.directory.remove("signer.tpm.json")
        let unrecorded = try place.run("entropy-source", "--once")
        #expect(unrecorded.status == 0 && unrecorded.errors.names("--record"), "\(unrecorded.errors)")
        #expect(try place.run("rsagen", "--key", "signer.key", "--record", "signer.tpm.json").status == 0)
        #expect(try !place.run("entropy-source", "--once").errors.names("--record"))
        #expect(try tpm.leftovers() == "")
    }

    @Test(arguments: Build.available) func theInspectionSpeaksToPeopleAndPrograms(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        let alone = try place.run("rsagen", "--inspect")
        #expect(alone.status == 0 && alone.errors.names("signer.key"), "\(alone.errors)")
        #expect(alone.text.names("IBM"), "\(alone.text)")
        try place.provision(["--auth-file", "auth"])
        let text = try place.run("rsagen", "--inspect", "--auth-file", "auth").text
        for line in [
            "key          signer.key, inside the TPM, wrapped in this file",
            "algorithm    RSA-2048 (RSASSA-PSS, SHA-256)",
            "attributes   fixedTPM fixedParent sensitiveDataOrigin userWithAuth noDA sign",
            "             it cannot leave this TPM", "parent       the owner hierarchy's primary",
            "record       signer.tpm.json: the key and the TPM are the recorded ones",
            "signature    made and verified, 32 bytes of salt", "lockout      0 of 3 failed tries",
        ] { #expect(text.contains(line + "\n"), "\(line)\n\(text)") }
        let json = try place.run("rsagen", "--inspect", "--json")
        let object = try #require(try JSONSerialization.jsonObject(with: json.output) as? [String: Any])
        #expect(object["Signs"] as? Bool == false)
        #expect((object["Refusal"] as? String)?.names("--auth-file") == true)
        #expect(object["Location"] as? String == "loadable" && object["RecordMatches"] as? Bool == true)
        #expect(object["FreeTransientSlots"] as? Int == 3)
        // A software key needs no TPM.
        tpm.stop()
        try place.run("rsagen", "--software", "-o", "soft", "--algorithm", "ecdsa")
        let soft = try place.run("rsagen", "--inspect", "--json", "--key", "soft.key")
        let seen = try #require(try JSONSerialization.jsonObject(with: soft.output) as? [String: Any])
        #expect(seen["Key"] as? String == "soft.key" && seen["Location"] as? String == "software")
    }

    @Test(arguments: Build.available) func aVerifierWithoutATPMIsConvinced(_ build: Build) throws {
        let tpm = try SoftwareTPM(certified: ())
        let board = try Workplace(build, tpm: tpm)
        try board.run("rsagen", "--algorithm", "ecdsa", "--auth-file", "auth")
        #expect(try board.run("rsagen", "--attest").status == 0)
        let verifier = try Workplace(build)
        func carry(_ name: String, _ from: Workplace, _ to: Workplace) throws {
            try to.directory.write(name, from.directory.read(name))
        }
        try carry("signer.identity.json", board, verifier)
        try carry("signer.pub", board, verifier)
        try verifier.directory.write("ca.pem", tpm.authorities())
        let challenged = try verifier.run("rsagen", "--make-challenge", "signer.identity.json", "--ca", "ca.pem")
        #expect(challenged.status == 0, "\(challenged.errors)")
        #expect(try verifier.directory.mode("signer.nonce.json") == 0o600)
        try carry("signer.challenge.json", verifier, board)
        let answered = try board.run("rsagen", "--attest", "--challenge", "signer.challenge.json")
        #expect(answered.status == 0, "\(answered.errors)")
        try carry("signer.attestation.json", board, verifier)
        let proved = try verifier.run("rsagen", "--verify-attestation", "signer.attestation.json", "--ca", "ca.pem")
        #expect(proved.status == 0, "\(proved.errors)")
        #expect(proved.text.names("signer.pub") && proved.text.split(separator: "\n").count == 1, "\(proved.text)")
        #expect(proved.errorLines.count == 6)
        // A proof by TPM2_Certify, of a key without record and with a password that counts: not tried without it.
        try board.directory.write("pin", "1234\n")
        try board.run("rsagen", "--algorithm", "ecdsa", "-o", "da", "--auth-file", "pin", "--da")
        try board.directory.remove("da.tpm.json")
        try refused(
            board, 77, ["da.key"], "rsagen", "--attest", "--challenge",
            "signer.challenge.json", "--key", "da.key", "-o", "da")
        let held = try board.run(
            "rsagen", "--attest", "--challenge", "signer.challenge.json", "--key", "da.key", "-o", "da", "--auth-file",
            "pin")
        #expect(held.status == 0, "\(held.errors)")
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("LOCKOUT_COUNTER: 0x0"))
        #expect(try tpm.leftovers() == "")
        // Each link has its refusal; all codes are in AttestationTests.
        try verifier.run("rsagen", "--software", "-o", "other")
        try refused(
            verifier, 1, ["key:"], "rsagen", "--verify-attestation", "signer.attestation.json", "--ca", "ca.pem",
            "--signer", "other.pub")
        try verifier.run("rsagen", "--make-challenge", "signer.identity.json", "--ca", "ca.pem", "-o", "later")
        try refused(
            verifier, 1, ["statement:"], "rsagen", "--verify-attestation", "signer.attestation.json", "--ca", "ca.pem",
            "--nonce", "later.nonce.json")
        let stranger = try SoftwareTPM(certified: ())
        try verifier.directory.write("stranger.pem", stranger.authorities())
        for arguments in [
            ["--verify-attestation", "signer.attestation.json"],
            ["--make-challenge", "signer.identity.json", "-o", "x"],
        ] {
            let refusal = try verifier.start("rsagen", arguments + ["--ca", "stranger.pem"]).wait()
            #expect(refusal.status == 1)
            #expect(refusal.errorLines.last?.contains("/CN=swtpm-localca") == true, "\(refusal.errors)")
        }
        // What one TPM can answer another one cannot.
        try board.directory.write("strange.key", board.directory.read("signer.key"))
        try refused(
            board, 65, ["signer.challenge.json"], "rsagen", "--attest",
            "--challenge",
            "signer.challenge.json", "--tcti", stranger.tcti, "--key", "strange.key", "-o", "strange")
        #expect(try stranger.leftovers() == "")
    }

    @Test(arguments: Build.available) func wrongUsageIsNamed(_ build: Build) throws {
        let place = try goodPlace(build)
        for (arguments, thing) in [
            (["--da"], "--da"), (["--software", "--auth-file", "a"], "--auth-file"),
            (["--software", "--tcti", "x"], "--tcti"), (["--persist", "0x80000001"], "0x80000001"),
            (["--persist", "0x81800000"], "0x81800000"), (["--inspect", "--force"], "--force"), (["--json"], "--json"),
            (["--verify-attestation", "x"], "--ca"), (["--make-challenge", "x"], "--ca"),
            (["--challenge", "x"], "--challenge"), (["--key", "handle:81000001"], "handle:81000001"),
            (["--key", "signer.key", "--bits", "2048"], "--bits"), (["--attest", "--ca", "x"], "--ca"),
            (["--attest", "--key", "x"], "--key"), (["--record", "new.key"], "new.key"),
            (["--auth-file", "new.key"], "new.key"),
        ] {
            let finished = try place.start("rsagen", arguments + ["-o", "new"]).wait()
            #expect(finished.status == 64, "\(arguments) \(finished.errors)")
            #expect(finished.errors.names(thing), "\(arguments) \(finished.errors)")
        }
        try refused(place, 64, ["signer.key"], "entropy-source", "--once", "--auth-file", "signer.pub")
        try refused(place, 65, ["signer.pub"], "rsagen", "--make-challenge", "x", "--ca", "signer.pub")
        try refused(place, 66, ["x"], "rsagen", "--verify-attestation", "y", "--ca", "x")
    }
}

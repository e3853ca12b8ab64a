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
        #expect(delivered.errors.contains("packet 1 mixed"), "\(delivered.errors)")
        // As systemd hands out credentials: a directory of the service's own, files that only it may read.
        try place.directory.write("credential", place.directory.read("auth"), mode: 0o400)
        let served = try deliver(place, sink, ["--auth-file", place.directory.file("credential")])
        #expect(served.errors.contains("packet 2 mixed") && !served.errors.contains("may read"), "\(served.errors)")
        // Without, with another one, with one that is none.
        try refused(
            place, 77, ["signer.key: the key has a password: give it by --auth-file"], "entropy-source", "--once")
        try refused(
            place, 77, ["signer.key: the key has a password: give it by --auth-file"], "rsagen", "--key", "signer.key",
            "--record", "new.json")
        try place.directory.write("wrong", "wrong")
        try refused(
            place, 77, ["signer.key: the TPM refused the key's password"], "entropy-source", "--once", "--auth-file",
            "wrong")
        try refused(place, 66, ["none: cannot open"], "entropy-source", "--once", "--auth-file", "none")
        try place.directory.write("long", String(repeating: "x", count: 33))
        try refused(
            place, 65, ["long: a TPM takes passwords of at most 32 bytes"], "entropy-source", "--auth-file", "long")
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("LOCKOUT_COUNTER: 0x0"))
        #expect(try tpm.leftovers() == "")
    }

    @Test(arguments: Build.available) func aWrongPasswordOfAGuardedKeyIsTriedOnce(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.directory.write("pin", "1234\n")
        let made = try place.run("rsagen", "--algorithm", "ecdsa", "--auth-file", "pin", "--da")
        #expect(made.status == 0)
        #expect(made.errors.contains("a power cut while it is loaded counts as a failed try"))
        try place.directory.write("targets.json", "[]")
        #expect(try place.run("entropy-source", "--once", "--auth-file", "pin").status == 0)
        try place.directory.write("wrong", "4321\n")
        try refused(
            place, 77, ["refused the key's password", "1 of 3 failed tries"], "entropy-source", "--once", "--auth-file",
            "wrong")
        try refused(place, 77, ["signer.key: this key may have a password"], "entropy-source", "--once")
        for _ in 0..<2 { try place.run("entropy-source", "--once", "--auth-file", "wrong") }
        try refused(
            place, 69, ["the TPM is in lockout", "3 of 3 failed tries", "power cuts count"], "entropy-source", "--once",
            "--auth-file", "pin")
        let seen = try place.run("rsagen", "--inspect", "--auth-file", "pin").text
        #expect(seen.contains("LOCKED: 3 of 3 failed tries"), "\(seen)")
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
        #expect(delivered.errors.contains("packet 1 mixed"), "\(delivered.errors)")
        #expect(!delivered.errors.contains("nothing is recorded"))
        // The public half comes back out, and a record can be made anew.
        #expect(try place.run("rsagen", "--key", "handle:0x81000010", "-o", "again").status == 0)
        #expect(try place.directory.read("again.pub") == place.directory.read("signer.pub"))
        #expect(try place.run("rsagen", "--key", "handle:0x81000010", "--record", "again.json").status == 0)
        #expect(try deliver(place, sink, ["-k", "handle:0x81000010", "--record", "again.json"]).status == 0)
        // A key file that exists is moved as well; a handle that is taken stays as it is.
        try place.run("rsagen", "--algorithm", "ecdsa", "-o", "second")
        let moved = try place.run("rsagen", "--key", "second.key", "--persist", "0x81000011")
        #expect(moved.errors.contains("-k handle:0x81000011 --record second.tpm.json"), "\(moved.errors)")
        try refused(
            place, 64, ["is persistent already"], "rsagen", "--key", "handle:0x81000011", "--persist", "0x81000013")
        #expect(try place.run("rsagen", "--key", "handle:0x81000011", "-o", "moved").status == 0)
        #expect(try place.directory.read("moved.pub") == place.directory.read("second.pub"))
        try refused(
            place, 73, ["the TPM keeps another object at 0x81000010"], "rsagen", "--key", "second.key", "--persist",
            "0x81000010")
        try refused(
            place, 73, ["another object at 0x81000010"], "rsagen", "-o", "third", "--algorithm",
            "ecdsa", "--persist", "0x81000010")
        // What the TPM cannot do leaves nothing behind, no password either.
        try refused(
            place, 1, ["this TPM makes no RSA-4096 keys"], "rsagen", "-o", "third", "-s", "4096", "--auth-file", "new")
        try refused(
            place, 73, ["another object at 0x81000010"], "rsagen", "-o", "third", "--auth-file", "new", "--persist",
            "0x81000010")
        try refused(place, 66, ["the TPM keeps nothing at 0x81000012"], "entropy-source", "-k", "handle:0x81000012")
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
        for (member, words) in [("PrimaryName", "this is not the TPM"), ("KeyName", "the record of another key")] {
            try place.edit("signer.tpm.json") { object in
                var name = Array(Data(base64Encoded: object[member] as? String ?? "") ?? Data())
                name[9] ^= 1
                object[member] = Data(name).base64EncodedString()
            }
            try refused(place, 65, [words], "entropy-source", "--once")
            try place.directory.write("signer.tpm.json", good)
        }
        try place.directory.write("signer.tpm.json", "{}")
        try refused(place, 65, ["signer.tpm.json: KeyName: expected"], "entropy-source", "--once")
        // A key of an earlier version has none: said, with what to do.
        try place.directory.remove("signer.tpm.json")
        #expect(try place.run("entropy-source", "--once").errors.contains("rsagen --key signer.key --record FILE"))
        #expect(try place.run("rsagen", "--key", "signer.key", "--record", "signer.tpm.json").status == 0)
        #expect(try !place.run("entropy-source", "--once").errors.contains("nothing is recorded"))
        #expect(try tpm.leftovers() == "")
    }

    @Test(arguments: Build.available) func theInspectionSpeaksToPeopleAndPrograms(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        let alone = try place.run("rsagen", "--inspect")
        #expect(alone.status == 0 && alone.errors.contains("only the TPM is looked at"))
        #expect(alone.text.contains("TPM          IBM, SW   TPM, firmware "))
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
        #expect((object["Refusal"] as? String)?.contains("--auth-file") == true)
        #expect(object["FreeTransientSlots"] as? Int == 3)
        // A software key needs no TPM.
        tpm.stop()
        try place.run("rsagen", "--software", "-o", "soft", "--algorithm", "ecdsa")
        let soft = try place.run("rsagen", "--inspect", "--key", "soft.key")
        #expect(soft.text.contains("soft.key, a software key, in the file itself"))
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
        #expect(proved.text == "proved: signer.pub is a key that was made in the challenged TPM and cannot leave it\n")
        #expect(proved.errorLines.count == 6)
        // A proof by TPM2_Certify, of a key without record and with a password that counts: not tried without it.
        try board.directory.write("pin", "1234\n")
        try board.run("rsagen", "--algorithm", "ecdsa", "-o", "da", "--auth-file", "pin", "--da")
        try board.directory.remove("da.tpm.json")
        try refused(
            board, 77, ["da.key: this key may have a password"], "rsagen", "--attest", "--challenge",
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
            verifier, 1, ["NOT proved: key: the proof is about the key with the fingerprint"], "rsagen",
            "--verify-attestation", "signer.attestation.json", "--ca", "ca.pem", "--signer", "other.pub")
        try verifier.run("rsagen", "--make-challenge", "signer.identity.json", "--ca", "ca.pem", "-o", "later")
        try refused(
            verifier, 1, ["NOT proved: statement: its nonce is another one"], "rsagen", "--verify-attestation",
            "signer.attestation.json", "--ca", "ca.pem", "--nonce", "later.nonce.json")
        let stranger = try SoftwareTPM(certified: ())
        try verifier.directory.write("stranger.pem", stranger.authorities())
        for arguments in [
            ["--verify-attestation", "signer.attestation.json"],
            ["--make-challenge", "signer.identity.json", "-o", "x"],
        ] {
            let refusal = try verifier.start("rsagen", arguments + ["--ca", "stranger.pem"]).wait()
            #expect(refusal.status == 1)
            #expect(refusal.errorLines.last?.contains("endorsement certificate, issued by /CN=swtpm-localca") == true)
        }
        // What one TPM can answer another one cannot.
        try board.directory.write("strange.key", board.directory.read("signer.key"))
        try refused(
            board, 65, ["signer.challenge.json: the challenge was made for another TPM"], "rsagen", "--attest",
            "--challenge",
            "signer.challenge.json", "--tcti", stranger.tcti, "--key", "strange.key", "-o", "strange")
        #expect(try stranger.leftovers() == "")
    }

    @Test(arguments: Build.available) func wrongUsageIsNamed(_ build: Build) throws {
        let place = try goodPlace(build)
        for (arguments, words) in [
            (["--da"], "--da guards a password"), (["--software", "--auth-file", "a"], "--auth-file does not go with"),
            (["--software", "--tcti", "x"], "--tcti does not go with"),
            (["--persist", "0x80000001"], "--persist 0x80000001"),
            (["--persist", "0x81800000"], "--persist 0x81800000"),
            (["--inspect", "--force"], "--force does not go with"),
            (["--json"], "--json does not go with"), (["--verify-attestation", "x"], "--ca is missing"),
            (["--make-challenge", "x"], "--ca is missing"), (["--challenge", "x"], "--challenge does not go with"),
            (["--key", "handle:81000001"], "expected a persistent handle such as handle:0x81000010"),
            (["--key", "signer.key", "--bits", "2048"], "--bits does not go with --key"),
            (["--attest", "--ca", "x"], "--ca does not go with"),
            (["--attest", "--key", "x"], "--key does not go with"),
            (["--record", "new.key"], "new.key: two files would have this name"),
            (["--auth-file", "new.key"], "--auth-file new.key: the key's own files go there"),
        ] {
            let finished = try place.start("rsagen", arguments + ["-o", "new"]).wait()
            #expect(finished.status == 64, "\(arguments) \(finished.errors)")
            #expect(finished.errors.contains(words), "\(arguments) \(finished.errors)")
        }
        try refused(
            place, 64, ["signer.key: this is a software key"], "entropy-source", "--once", "--auth-file", "signer.pub")
        try refused(
            place, 65, ["signer.pub: no certificate in PEM"], "rsagen", "--make-challenge", "x", "--ca", "signer.pub")
        try refused(place, 66, ["x: cannot open"], "rsagen", "--verify-attestation", "y", "--ca", "x")
    }
}

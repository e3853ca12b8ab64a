import Foundation
import Support
import Testing

/// Good input in a bad place: peers and TPMs that are not there, disks that are full, files that may not be written. One line
/// that says what and where, an exit code, and every file as it was.
@Suite(.enabled(if: haveTools("openssl", "qemu-arm-static"), "openssl or qemu-arm-static is not installed"))
struct BadPlaceTests {
    @Test(arguments: Build.available) func peersThatAreNotThere(_ build: Build) throws {
        let place = try goodPlace(build)
        for address in ["127.0.0.1:1", "no.such.host.invalid:4141"] {
            try place.edit("targets.json") { $0["Address"] = address }
            #expect(try place.deliver() == (69, ["unreachable 0"]))
            // Nobody was there to take a packet: none was made.
            #expect(try place.number("targets.json", "Counter") == 0)
            #expect(try place.number("targets.json", "Next") ?? 0 == 0)
        }
    }

    @Test(arguments: Build.available) func noTPM(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(place, 69, ["/dev/no-tpm"], "rsagen", "-o", "t", "--tcti", "device:/dev/no-tpm")
        try refused(place, 69, ["swtpm:path=/nowhere"], "rsagen", "-o", "t", "--tcti", "swtpm:path=/nowhere")
        try refused(place, 69, ["nonsense"], "rsagen", "-o", "t", "--tcti", "nonsense")
        // What would make the loader search for a simulator.
        for tcti in ["", ":", ":port=1"] {
            try refused(place, 69, [], "rsagen", "-o", "t", "--tcti", tcti)
        }
        let tpm = try SoftwareTPM()
        let with = try Workplace(build, tpm: tpm)
        try with.provision()
        try with.directory.write("targets.json", "[]")
        tpm.stop()
        try refused(with, 69, ["signer.key"], "entropy-source", "--once")
        let other = try SoftwareTPM()
        try refused(with, 65, ["signer.key"], "entropy-source", "--once", "--tcti", other.tcti)
        try with.directory.remove("signer.tpm.json")
        try refused(with, 65, ["signer.key"], "entropy-source", "--once", "--tcti", other.tcti)
        try refused(
            with, 1, ["RSA-4096", "RSA-2048", "RSA-3072", "P-256"], "rsagen", "-s", "4096", "-o", "t", "--tcti",
            other.tcti)
    }

    /// A device of another group, as /dev/tpmrm0 is for whoever is not in tss.
    @Test(.enabled(if: geteuid() == 0 && haveTools("setpriv"), "only root can become someone else, by setpriv"))
    func aTPMThatIsForOthers() throws {
        let place = try TemporaryDirectory()
        try place.write("tpmrm0", "", mode: 0o600)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: place.path)
        // A copy of the program that the other one can reach.
        let program = place.file("rsagen")
        try FileManager.default.copyItem(atPath: Build.host.command("rsagen")[0], toPath: program)
        let refusal = try run(
            [
                "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "--inspect", "--tcti",
                "device:\(place.file("tpmrm0"))",
            ], in: "/")
        #expect(refusal.status == 69, "\(refusal.errors)")
        #expect(refusal.errors.names(place.file("tpmrm0")), "\(refusal.errors)")
    }

    @Test(arguments: Build.available) func aTPMThatRefuses(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "secret").status == 0)
        try refused(place, 77, ["--owner-auth-file"], "rsagen")
        #expect(try tpm.leftovers() == "")
    }

    @Test(.enabled(if: haveTools("prlimit"), "prlimit is not installed"))
    func aDiskThatIsFull() throws {
        let place = try goodPlace(.host)
        let sink = try RunningSink(place)
        try FileManager.default.removeItem(atPath: place.directory.file("targets.json"))
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        try place.edit("targets.json") { $0["Note"] = String(repeating: "x", count: 1000) }
        let before = try place.directory.snapshot()
        // A limit on the size of files stands for the disk: no counter can be stored, so nothing is sent.
        let finished = try run(
            ["prlimit", "--fsize=900"] + place.command("entropy-source", ["--once"]), in: place.directory.path)
        #expect(finished.status == 73)
        #expect(finished.errors.names("targets.json"), "\(finished.errors)")
        var after = try place.directory.snapshot()
        after["source.seed"] = nil
        #expect(after == before)
        #expect(sink.log.packets.isEmpty && place.chunks == 0)
    }

    @Test(arguments: Build.available) func filesThatExist(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(place, 73, ["signer.key", "--force"], "rsagen", "--software")
        try refused(place, 73, ["decrypt.key", "--force"], "curve25519gen")
        try FileManager.default.removeItem(atPath: place.directory.file("decrypt.key"))
        try refused(place, 73, ["decrypt.pub"], "curve25519gen")
        try place.directory.write("decrypt.key", "old", mode: 0o644)
        #expect(try place.run("curve25519gen", "--force").status == 0)
        #expect(try place.directory.read("decrypt.key").count == 32)
        #expect(try place.directory.mode("decrypt.key") == 0o600)
        try refused(place, 73, ["none/k.key"], "curve25519gen", "-o", "none/k")
        try refused(place, 73, ["none/k.key"], "rsagen", "--software", "-o", "none/k")
        try refused(place, 73, ["none/t"], "entropy-target", "-a", "h:1", "--append", "none/t")
        // Both or none, also when they are to be replaced.
        try FileManager.default.removeItem(atPath: place.directory.file("decrypt.pub"))
        try FileManager.default.createDirectory(
            atPath: place.directory.file("decrypt.pub"), withIntermediateDirectories: false)
        try refused(place, 73, ["decrypt.pub"], "curve25519gen", "--force")
    }

    @Test(.enabled(if: getuid() == 0, "only root can become another user"), arguments: Build.available)
    func whatThisUserMayNot(_ build: Build) throws {
        let place = try goodPlace(build)
        // Another user: the directory may be entered, its files may not be written.
        #expect(chmod(place.directory.path, 0o755) == 0)
        func asNobody(_ program: String, _ arguments: String...) throws -> Finished {
            try run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + place.command(program, arguments),
                in: place.directory.path)
        }
        let before = try place.directory.snapshot()
        for (finished, name) in [
            (try asNobody("entropy-source", "--once"), "signer.key"),
            (try asNobody("curve25519gen", "-o", "new"), "new.key"),
            (try asNobody("entropy-target", "-a", "h:1", "--append", "targets.json"), "targets.json"),
            (try asNobody("entropy-config"), "decrypt.key"),
        ] {
            #expect(finished.status == 77, "\(name): \(finished.errors)")
            #expect(finished.errors.names(name), "\(finished.errors)")
        }
        #expect(try place.directory.snapshot() == before)
    }

    @Test(arguments: Build.available) func whatIsNoFileIsNotReplaced(_ build: Build) throws {
        let place = try goodPlace(build)
        func device() throws -> Bool {
            try run(["test", "-p", place.directory.file("pipe")]).status == 0
        }
        #expect(mkfifo(place.directory.file("pipe"), 0o600) == 0)
        try FileManager.default.createSymbolicLink(
            atPath: place.directory.file("link"), withDestinationPath: "none/seed")
        for name in ["pipe", "link"] {
            for (program, arguments) in [
                ("entropy-source", ["--once", "-s", name]), ("entropy-target", ["-a", "n:1", "--append", name]),
            ] {
                let finished = try place.start(program, arguments).wait()
                #expect(finished.status == 73, "\(finished.errors)")
                #expect(finished.errors.names(name), "\(finished.errors)")
            }
        }
        #expect(try device())
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: place.directory.file("link")) == "none/seed")
    }

    @Test(arguments: Build.available) func closedStreamsGetIntoNoFile(_ build: Build) throws {
        let place = try goodPlace(build)
        let sink = try RunningSink(place)
        try place.edit("targets.json") { $0["Address"] = "127.0.0.1:\(sink.port)" }
        func shell(_ program: String, _ rest: String) throws -> Finished {
            let command = place.command(program, []).map { "'\($0)'" }.joined(separator: " ")
            return try run(["sh", "-c", "\(command) \(rest)"], in: place.directory.path)
        }
        // Each of its lines would otherwise stand in the file that got the number of standard error.
        #expect(try shell("entropy-source", "--once <&- >&- 2>&-").status == 0)
        #expect(try place.number("targets.json", "Counter") == 1)
        #expect(try place.directory.read("source.seed").count == 64)
        #expect(try shell("entropy-target", "-a h:1 >&-").status == 73)
    }
}

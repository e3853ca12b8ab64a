import Foundation
import Support
import Testing

/// The programs as systemd runs them: told of by notices, given secrets as credentials, with files of a user of their own.
@Suite struct ServiceTests {
    /// systemd's side of sd_notify(3): a datagram socket.
    @Test(.enabled(if: haveTools("socat"), "socat is not installed"), arguments: Build.available)
    func theSourceTellsHowItIs(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision(["--algorithm", "ecdsa"])
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let name = place.directory.file("notify")
        let listener = try Running(["socat", "-u", "UNIX-RECV:\(name)", "-"])
        #expect(eventually { isBound(name) })
        let source = try Running(
            place.command("entropy-source", ["--scan", "1h"]), in: place.directory.path,
            environment: ["NOTIFY_SOCKET": name, "WATCHDOG_USEC": "900000"])
        #expect(eventually { listener.output.hasPrefix("READY=1") }, "\(listener.output)\(source.errors)")
        #expect(eventually { listener.output.contains("STATUS=1 sink: 1 mixed") }, "\(listener.output)\(source.errors)")
        // Three times as often as it would be given up, though the next look at the list is far away.
        #expect(eventually { listener.output.components(separatedBy: "WATCHDOG=1").count > 6 })
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        #expect(eventually { listener.output.hasSuffix("STOPPING=1") }, "\(listener.output)")
    }

    @Test(.enabled(if: haveTools("swtpm"), "swtpm is not installed"), arguments: Build.available)
    func aKeysPasswordIsACredential(_ build: Build) throws {
        let place = try Workplace(build, tpm: SoftwareTPM())
        try place.provision(["--algorithm", "ecdsa", "--auth-file", "entropy-source.auth"])
        try place.directory.write("targets.json", "[]")
        func start(_ directory: String) throws -> Finished {
            try Running(
                place.command("entropy-source", ["--once"]), in: place.directory.path,
                environment: place.tpm!.environment.merging(["CREDENTIALS_DIRECTORY": directory]) { $1 }
            ).wait()
        }
        let served = try start(place.directory.path)
        #expect(served.status == 0, "\(served.errors)")
        // Of another unit's credentials, none of which is ours.
        let other = try start("/nowhere")
        #expect(other.status == 77 && other.errors.names("--auth-file"), "\(other.errors)")
        try place.directory.write("entropy-source.auth", "wrong")
        let wrong = try start(place.directory.path)
        #expect(wrong.status == 77 && !wrong.errors.names("--auth-file"), "\(wrong.errors)")
        // A key that has none does not mind it. One that has a password is not replaced by one without.
        #expect(try place.run("rsagen", "--algorithm", "ecdsa", "--force").status == 64)
        try place.directory.remove("signer.key")
        try place.run("rsagen", "--algorithm", "ecdsa", "--force")
        #expect(try start(place.directory.path).status == 0)
    }

    @Test func aSinksKeyIsACredentialOrAFile() throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let made = try place.run(
            "entropy-config", "--without-private", "--state", "counters.json", "-a", "127.0.0.1:0")
        #expect(made.status == 0 && !made.text.contains("Private"), "\(made.errors)")
        try place.directory.write("config.json", Array(made.output))
        try refused(place, 65, ["config.json", "Private", "--key", "entropy-sink.key"], "entropy-sink", "--check")
        let checked = try place.run("entropy-sink", "--check", "--key", "decrypt.key")
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        #expect(checked.text.names(key), "\(checked.errors)")
        #expect(checked.text.names("\(place.directory.path)/counters.json") || checked.text.names("counters.json"))
        // Without a key in it the configuration may be read by everyone.
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: place.directory.file("config.json"))
        #expect(try place.run("entropy-sink", "--check", "--key", "decrypt.key").errors == "")
        // Another sink's key beside the configuration's own.
        try place.run("curve25519gen", "-o", "other")
        try place.directory.write("both.json", Array(try place.run("entropy-config").output))
        #expect(try place.run("entropy-sink", "-f", "both.json", "--check", "-k", "decrypt.key").status == 0)
        try refused(
            place, 65, ["both.json", "Private", "other.key"], "entropy-sink", "-f",
            "both.json", "--check", "-k", "other.key")
        try refused(place, 65, ["decrypt.pub"], "entropy-sink", "-k", "decrypt.pub")
        try refused(place, 66, ["none"], "entropy-sink", "-k", "none")
        try refused(place, 64, ["--key", "--without-private"], "entropy-config", "--without-private", "-k", "x")

        // The credential, and a new one after the signal: a key is replaced together with what belongs to it.
        try place.directory.write("entropy-sink.key", place.directory.read("decrypt.key"), mode: 0o400)
        let sink = try Running(
            place.command("entropy-sink", ["--pool", "pool"]), in: place.directory.path,
            environment: ["CREDENTIALS_DIRECTORY": place.directory.path])
        let port = try sink.listeningPort()
        try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json")
        #expect(try place.deliver() == (0, ["mixed 1"]))
        #expect(try place.number("counters.json", "Counter") == 1)
        sink.signal(SIGHUP)
        #expect(eventually { sink.errors.rereadings == 1 }, "\(sink.errors)")
        sink.signal(SIGTERM)
        #expect(sink.wait().status == 0)
    }

    /// An administrator's commands in a service's directory leave files that the service can use.
    @Test(.enabled(if: getuid() == 0, "only root can"), arguments: Build.available)
    func rootsNewFilesBelongToTheirDirectory(_ build: Build) throws {
        let place = try Workplace(build)
        let nobody: [FileAttributeKey: Any] = [.ownerAccountID: 65534, .groupOwnerAccountID: 65533]
        try FileManager.default.setAttributes(nobody, ofItemAtPath: place.directory.path)
        try place.provision(["--algorithm", "ecdsa"])
        try place.run("entropy-target", "-a", "127.0.0.1:1", "--append", "targets.json")
        _ = try place.start("entropy-source", ["--once"]).wait()
        for name in ["signer.key", "signer.pub", "decrypt.key", "targets.json", "source.seed"] {
            let found = try FileManager.default.attributesOfItem(atPath: place.directory.file(name))
            #expect(found[.ownerAccountID] as? Int == 65534, "\(name)")
            #expect(found[.groupOwnerAccountID] as? Int == 65533, "\(name)")
        }
        #expect(try place.directory.mode("signer.key") == 0o600 && place.directory.mode("signer.pub") == 0o644)
        // Where there is a file its owner stays.
        try FileManager.default.setAttributes([.ownerAccountID: 0], ofItemAtPath: place.directory.file("targets.json"))
        try place.run("entropy-target", "-a", "127.0.0.1:2", "--append", "targets.json")
        let kept = try FileManager.default.attributesOfItem(atPath: place.directory.file("targets.json"))
        #expect(kept[.ownerAccountID] as? Int == 0)
        #expect(try !place.directory.names().contains { $0.hasSuffix(".lock") })
    }
}

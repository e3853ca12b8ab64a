import Foundation
import Support
import Testing

/// Root at work in a directory of another user, who put links, pipes and locks there.
@Suite(.enabled(if: geteuid() == 0 && haveTools("qemu-arm-static", "setpriv"), "only root can work for another user"))
struct OtherUsersFilesTests {
    static let nobody: UInt32 = 65534

    /// A place that is nobody's, with root's file beside it.
    func place(_ build: Build) throws -> (place: Workplace, outside: TemporaryDirectory) {
        let place = try goodPlace(build)
        let outside = try TemporaryDirectory()
        try outside.write("target", "root's own", mode: 0o644)
        #expect(chown(place.directory.path, OtherUsersFilesTests.nobody, OtherUsersFilesTests.nobody) == 0)
        return (place, outside)
    }

    func link(_ name: String, to target: String, in directory: TemporaryDirectory) throws {
        try? FileManager.default.removeItem(atPath: directory.file(name))
        try FileManager.default.createSymbolicLink(atPath: directory.file(name), withDestinationPath: target)
        #expect(lchown(directory.file(name), OtherUsersFilesTests.nobody, OtherUsersFilesTests.nobody) == 0)
    }

    @Test(arguments: Build.available) func noLinkIsFollowedForWriting(_ build: Build) throws {
        let (place, outside) = try place(build)
        for (name, program, arguments) in [
            ("signer.pub", "rsagen", ["--software", "--force"]), ("signer.key", "rsagen", ["--software", "--force"]),
            ("decrypt.pub", "curve25519gen", ["--force"]), ("decrypt.key", "curve25519gen", ["--force"]),
            ("config.json", "entropy-config", ["-o", "config.json", "--force"]),
            ("config.json", "entropy-config", ["--add-signer", "signer.pub"]),
            ("targets.json", "entropy-target", ["-a", "n:1", "--append", "targets.json"]),
            ("source.seed", "entropy-source", ["--once"]),
        ] {
            let good = try? place.directory.read(name)
            try link(name, to: outside.file("target"), in: place.directory)
            let finished = try place.start(program, arguments).wait()
            #expect(finished.status == 77, "\(name), \(program): \(finished.errors)")
            #expect(try outside.text("target") == "root's own", "\(name), \(program)")
            #expect(try outside.names() == ["target"])
            try place.directory.remove(name)
            if let good { try place.directory.write(name, good) }
        }
    }

    @Test(arguments: Build.available) func noLinkIsFollowedForReading(_ build: Build) throws {
        let (place, outside) = try place(build)
        // A secret of root's, which would come into a file of nobody's.
        try outside.write("secret", place.directory.read("decrypt.key"))
        try link("decrypt.key", to: outside.file("secret"), in: place.directory)
        try refused(place, 77, ["decrypt.key"], "entropy-config", "-o", "stolen.json")
        try refused(place, 77, ["decrypt.key"], "entropy-config")
        // Nor at the end of a link that is root's own.
        try outside.write("x", "")
        try outside.remove("x")
        try FileManager.default.createSymbolicLink(
            atPath: outside.file("x"), withDestinationPath: place.directory.file("decrypt.key"))
        try refused(place, 77, [outside.file("x")], "entropy-config", "-k", outside.file("x"))
        // Root's own links, to files of whomever, are followed; so is what the kernel links to.
        try FileManager.default.createSymbolicLink(
            atPath: outside.file("y"), withDestinationPath: place.directory.file("signer.pub"))
        let followed = try place.run("entropy-config", "-k", outside.file("secret"), "-s", outside.file("y"))
        #expect(followed.status == 0, "\(followed.errors)")
        let streamed = try place.start("entropy-config", ["-k", outside.file("secret"), "-s", "/dev/stdin"]).wait()
        #expect(streamed.status == 65, "\(streamed.errors)")
    }

    /// A directory that everybody may write to, as /tmp.
    @Test(arguments: Build.available) func aLinkOfAnotherUserIsNotFollowed(_ build: Build) throws {
        let (place, outside) = try place(build)
        let shared = try TemporaryDirectory()
        #expect(chmod(shared.path, 0o1777) == 0)
        try link("new.json", to: outside.file("target"), in: shared)
        let finished = try place.run("entropy-config", "-o", shared.file("new.json"), "--force")
        #expect(finished.status == 77, "\(finished.errors)")
        #expect(try outside.text("target") == "root's own")
    }

    /// Whose directory it is follows their own links.
    @Test(arguments: Build.available) func theUsersOwnLinksAreFollowed(_ build: Build) throws {
        let (place, _) = try place(build)
        #expect(chmod(place.directory.path, 0o755) == 0)
        for name in try place.directory.names() {
            #expect(chown(place.directory.file(name), OtherUsersFilesTests.nobody, OtherUsersFilesTests.nobody) == 0)
        }
        try FileManager.default.moveItem(
            atPath: place.directory.file("targets.json"), toPath: place.directory.file("real.json"))
        try link("targets.json", to: "real.json", in: place.directory)
        let added = try run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                + place.command("entropy-target", ["-a", "n:1", "--append", "targets.json"]), in: place.directory.path)
        #expect(added.status == 0, "\(added.errors)")
        #expect(try place.directory.text("real.json").contains("n:1"))
        #expect(
            try FileManager.default.destinationOfSymbolicLink(atPath: place.directory.file("targets.json"))
                == "real.json")
    }

    @Test(arguments: Build.available) func aLockWithAnotherNameIsNoLock(_ build: Build) throws {
        let (place, outside) = try place(build)
        #expect(Glibc.link(outside.file("target"), place.directory.file(".targets.json.lock")) == 0)
        let finished = try place.run("entropy-target", "-a", "n:1", "--append", "targets.json")
        #expect(finished.status == 73, "\(finished.errors)")
        #expect(try outside.mode("target") == 0o644)
        #expect(try outside.text("target") == "root's own")
        // Where a running sink has its own.
        try place.directory.write("pool", "")
        for name in [".config.json.sink", ".sink.status.json.sink"] {
            #expect(Glibc.link(outside.file("target"), place.directory.file(name)) == 0)
        }
        let refused = try place.start("entropy-sink", ["--pool", "pool"]).wait()
        #expect(refused.status == 73, "\(refused.errors)")
        try place.directory.remove(".config.json.sink")
        // Without its report it serves all the same.
        let sink = try RunningSink(place)
        #expect(sink.stop().status == 0)
        #expect(try outside.mode("target") == 0o644)
        #expect(try outside.text("target") == "root's own")
    }

    /// Nobody waits for a pipe whose other end says nothing.
    @Test(arguments: Build.available) func aPipeIsNoFile(_ build: Build) throws {
        let (place, _) = try place(build)
        for name in ["pipe", "source.status.json", "sink.status.json"] {
            #expect(mkfifo(place.directory.file(name), 0o600) == 0)
        }
        // Somebody who holds the other end.
        let ends = ["pipe", "source.status.json", "sink.status.json"].map { open(place.directory.file($0), O_RDWR) }
        defer { for end in ends { close(end) } }
        for (program, arguments) in [
            ("entropy-source", ["--status"]), ("entropy-sink", ["--status"]),
            ("entropy-sink", ["--check", "-f", "pipe"]),
            ("entropy-config", ["-k", "pipe"]), ("entropy-config", ["-s", "pipe"]),
            ("entropy-target", ["-a", "n:1", "-k", "pipe"]), ("entropy-source", ["--once", "-k", "pipe"]),
            ("entropy-source", ["--once", "-t", "pipe"]),
        ] {
            // A program that waits is killed: signal 9.
            let finished = try place.start(program, arguments).wait(seconds: 120)
            #expect(finished.status == 65, "\(program) \(arguments): \(finished.errors)")
        }
        // A pipe that this process was given is no trap.
        let shell = place.command("entropy-config", ["-k", "/dev/fd/3"]).map { "'\($0)'" }.joined(separator: " ")
        let given = try run(["bash", "-c", "\(shell) 3< <(cat decrypt.key)"], in: place.directory.path)
        #expect(given.status == 0, "\(given.errors)")
    }
}

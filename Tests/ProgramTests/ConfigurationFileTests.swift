import Foundation
import Support
import Testing

/// `entropy-config --output`: a configuration is written whole, or what is there stays.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct ConfigurationFileTests {
    @Test(arguments: Build.available) func itIsWhatThePrintedOneIs(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let printed = try place.run("entropy-config", "-a", "127.0.0.1:7")
        let written = try place.run("entropy-config", "-a", "127.0.0.1:7", "-o", "new.json")
        #expect(printed.status == 0 && written.status == 0 && written.output.isEmpty)
        #expect(try place.directory.read("new.json") == Array(printed.output))
        // With the private key it is a secret, whatever the umask.
        #expect(try place.directory.mode("new.json") == 0o600)
        #expect(try place.run("entropy-config", "--without-private", "--output", "open.json").status == 0)
        #expect(try place.directory.mode("open.json") == 0o644)
        #expect(try place.run("entropy-sink", "--check", "-f", "new.json").status == 0)
    }

    @Test(arguments: Build.available) func whatIsThereStaysUnlessForced(_ build: Build) throws {
        let place = try goodPlace(build)
        let before = try place.directory.read("config.json")
        try refused(place, 73, ["config.json"], "entropy-config", "-o", "config.json")
        // A bad input loses nothing, forced or not.
        for arguments in [["-k", "none"], ["-s", "none"], ["-s", "decrypt.pub"], ["-a", "4141"], ["-d", "x"]] {
            let finished = try place.start(
                "entropy-config", ["-o", "config.json", "--force"] + arguments
            ).wait()
            #expect([64, 65, 66].contains(finished.status), "\(arguments): \(finished.errors)")
            #expect(try place.directory.read("config.json") == before)
        }
        try refused(place, 66, ["none"], "entropy-config", "-o", "other.json", "-k", "none")
        #expect(try place.run("entropy-config", "-a", ":7", "-o", "config.json", "--force").status == 0)
        #expect(try place.directory.text("config.json").contains("\":7\""))
        #expect(try place.directory.mode("config.json") == 0o600)
    }

    @Test(arguments: Build.available) func wrongUsesAreRefused(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(place, 64, ["--force"], "entropy-config", "--force")
        try refused(place, 64, ["--output"], "entropy-config", "-o", "")
        try refused(place, 64, ["--output"], "entropy-config", "-o", "x", "--add-signer", "signer.pub")
        try refused(place, 73, ["none/x"], "entropy-config", "-o", "none/x")
        try refused(place, 73, ["."], "entropy-config", "-o", ".", "--force")
    }

    /// A full disk, which a limit on the size of files stands for.
    @Test(.enabled(if: haveTools("prlimit"), "prlimit is not installed")) func aFullDiskLeavesTheOldOne() throws {
        let place = try goodPlace(.host)
        let before = try place.directory.snapshot()
        let finished = try run(
            ["prlimit", "--fsize=100"] + place.command("entropy-config", ["-o", "config.json", "--force"]),
            in: place.directory.path)
        #expect(finished.status == 73, "\(finished.errors)")
        #expect(try place.directory.snapshot() == before)
    }
}

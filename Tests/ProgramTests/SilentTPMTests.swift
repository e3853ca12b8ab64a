import Foundation
import Support
import Testing

/// Programs whose TPM stops answering, and paths that are no TPM's.
@Suite(.enabled(if: haveTools("swtpm", "qemu-arm-static"), "swtpm or qemu is not installed"))
struct SilentTPMTests {
    /// Codes of commands (TPM 2.0 Library, Part 2, 6.5.2).
    static let (createPrimary, create, sign, getRandom, getCapability) = (0x131, 0x153, 0x15d, 0x17b, 0x17a)

    /// One SIGTERM ends each of them while it waits for the TPM, long before the deadline of two or ten minutes; what it keeps
    /// is whole, and nothing of its own is left.
    @Test(arguments: Build.available) func oneSignalEndsEveryWait(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa"])
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        let before = try place.directory.snapshot()
        for (program, arguments, command) in [
            ("entropy-source", ["--once"], SilentTPMTests.sign),
            ("entropy-source", ["--once"], SilentTPMTests.getRandom),
            ("entropy-source", ["--once"], SilentTPMTests.createPrimary), ("entropy-source", ["--once"], 0),
            ("entropy-source", ["--selftest", "--noise", "tpm"], SilentTPMTests.getRandom),
            ("rsagen", ["--algorithm", "ecdsa", "-o", "new"], SilentTPMTests.create),
            ("rsagen", ["--inspect"], SilentTPMTests.getCapability),
            ("rsagen", ["--inspect"], SilentTPMTests.sign),
        ] {
            // What a TPM that hangs has loaded stays loaded until it is reset.
            try tpm.restart()
            let bus = try DisturbedBus(tpm, "silent", command)
            let running = try place.start(program, arguments + ["--tcti", bus.tcti])
            #expect(eventually(seconds: 300) { bus.strikes > 0 }, "\(arguments) \(command): \(running.errors)")
            running.signal(SIGTERM)
            let finished = running.wait(seconds: 90)
            #expect(finished.status == 1 || finished.status == 69, "\(arguments) \(command): \(finished.errors)")
            #expect(running.process.terminationReason == .exit)
        }
        // The counter may have gone up; nothing else changed, no lock or half a file is left.
        let after = try place.directory.snapshot()
        #expect(Set(after.keys).subtracting(before.keys).subtracting(["source.seed"]).isEmpty, "\(after.keys)")
        #expect(try place.number("targets.json", "Counter") != nil)
    }

    @Test(arguments: Build.available) func theServiceEndsByOneSignal(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa"])
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        let bus = try DisturbedBus(tpm, "silent", SilentTPMTests.sign)
        let running = try place.start("entropy-source", ["--tcti", bus.tcti])
        #expect(eventually(seconds: 300) { bus.strikes > 0 }, "\(running.errors)")
        running.signal(SIGTERM)
        #expect(running.wait(seconds: 90).status == 0, "\(running.errors)")
        #expect(try place.directory.read("source.seed").count == 64)
    }

    /// Not one byte is written to what is no device, whoever named it.
    @Test(arguments: Build.available) func aFileIsNoTPM(_ build: Build) throws {
        let place = try Workplace(build)
        let contents = Array("not a TPM".utf8)
        try place.directory.write("file", contents)
        let path = place.directory.file("file")
        for (program, arguments) in [
            ("rsagen", ["--inspect"]), ("rsagen", []), ("rsagen", ["--attest"]),
            ("entropy-source", ["--selftest", "--noise", "tpm"]),
        ] {
            let named = try place.start(program, arguments + ["--tcti", "device:\(path)"]).wait()
            #expect(named.status == (program == "rsagen" ? 65 : 69), "\(arguments): \(named.errors)")
            let found = try run(
                place.build.command(program) + arguments, in: place.directory.path,
                environment: ["TPM2TOOLS_TCTI": "device:\(path)"])
            #expect(found.status == named.status, "\(arguments): \(found.errors)")
        }
        #expect(try place.directory.read("file") == contents)
    }

    /// Logs of tpm2-tss hold session keys.
    @Test(arguments: Build.available) func nothingTurnsOnTheLogsOfTheLibrary(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa"])
        let log = place.directory.file("log")
        let loud = tpm.environment.merging(["TSS2_LOG": "all+trace", "TSS2_LOGFILE": log]) { $1 }
        let seen = try run(
            place.build.command("rsagen") + ["--inspect"], in: place.directory.path, environment: loud)
        #expect(seen.status == 0 && seen.errors.isEmpty, "\(seen.errors)")
        #expect(!FileManager.default.fileExists(atPath: log))
    }
}

import Foundation
import Support
import Testing

/// Noise as the running program sees it: a hardware generator that fails, files and commands, and what it says of each.
@Suite struct NoiseProgramTests {
    struct NoFIFO: Error {}

    /// A source and a sink, and `/dev/hwrng` as this test wants it: in a mount namespace of the source's own.
    final class Bench {
        let place: Workplace
        let sink: RunningSink
        let generator: Running
        private(set) var source: Running?

        init(_ build: Build) throws {
            place = try Workplace(build)
            try place.provision()
            sink = try RunningSink(place)
            try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
            let fifo = place.directory.file("fifo")
            guard mkfifo(fifo, 0o600) == 0 else { throw NoFIFO() }
            try place.directory.write("mode", "good")
            generator = try Running([
                packageRoot.appendingPathComponent("Tests/Peers/hwrng.py").path, fifo, place.directory.file("mode"),
            ])
        }

        /// A `/dev` with what a program needs, and the test's own generator.
        static let script = """
            set -e
            fifo=$1; shift
            mkdir dev
            mount -t tmpfs none dev
            for name in null zero full random urandom; do : >dev/$name; mount --bind /dev/$name dev/$name; done
            : >dev/hwrng
            mount --bind "$fifo" dev/hwrng
            mount --rbind dev /dev
            exec "$@"
            """

        func start(_ arguments: [String]) throws -> Running {
            let started = try Running(
                ["unshare", "-m", "sh", "-c", Bench.script, "sh", place.directory.file("fifo")]
                    + place.build.command("entropy-source") + arguments, in: place.directory.path)
            source = started
            return started
        }

        func mode(_ word: String) throws { try place.directory.write("mode", word) }

        /// Tests that the generator failed, by the source's report.
        func failures() throws -> Int {
            let json = try place.run("entropy-source", "--status", "--json").output
            let report = try? JSONSerialization.jsonObject(with: json) as? [String: Any]
            let sources = report?["Noise"] as? [[String: Any]] ?? []
            return sources.first { $0["Name"] as? String == "/dev/hwrng" }?["Failures"] as? Int ?? 0
        }

        var packets: Int { ((try? place.directory.read("pool").count) ?? 0) / 1024 }

        deinit {
            generator.signal(SIGKILL)
            source?.signal(SIGKILL)
            _ = sink.stop()
        }
    }

    @Test(
        .enabled(if: getuid() == 0, "only root can put another /dev in place"),
        arguments: Build.available)
    func aHardwareGeneratorThatFails(_ build: Build) throws {
        let bench = try Bench(build)
        let source = try bench.start(["--noise", "hwrng,kernel", "--scan", "1s", "--interval", "1s"])
        var recoveries: Int { source.errors.recoveries(of: "/dev/hwrng") }
        #expect(eventually { bench.packets >= 1 }, "\(source.errors)")
        // Which test it is that finds each of them, HealthTests see.
        for mode in ["stuck", "zeros", "repeated", "biased"] {
            let earlier = source.errors.count
            var said: String { String(source.errors.dropFirst(earlier)) }
            let failures = try bench.failures()
            try bench.mode(mode)
            #expect(try eventually { try bench.failures() > failures }, "\(mode): \(source.errors)")
            #expect(!said.lines(about: "/dev/hwrng").isEmpty, "\(mode): \(source.errors)")
            // Each look at the list says it. What was on its way at the first one has arrived at the second; then nothing does.
            func looks() -> Int { said.halts(by: "/dev/hwrng") }
            #expect(eventually { looks() >= 2 }, "\(mode): \(source.errors)")
            let (packets, earlierLooks) = (bench.packets, looks())
            #expect(eventually { looks() >= earlierLooks + 2 }, "\(mode): \(source.errors)")
            #expect(bench.packets == packets, "\(mode): \(source.errors)")
            let before = recoveries
            try bench.mode("good")
            #expect(eventually { recoveries > before }, "\(mode): \(source.errors)")
            #expect(eventually { bench.packets > packets }, "\(mode): \(source.errors)")
        }
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        let status = try bench.place.run("entropy-source", "--status")
        #expect(status.text.names("/dev/hwrng") && status.text.contains("getrandom(2)"), "\(status.text)")
    }

    /// Who sits on the bus plays recorded answers to the program. They are no answers to its session: nothing is taken.
    @Test(
        .enabled(if: haveTools("swtpm"), "swtpm is not installed"),
        arguments: Build.available)
    func aBusThatRepeatsTheTPMsAnswers(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let bus = try DisturbedBus(tpm, "repeat", 6)
        let source = try place.start(
            "entropy-source", ["--scan", "1s", "--interval", "1s", "--noise", "tpm,kernel", "--tcti", bus.tcti])
        func packets() -> Int { ((try? place.directory.read("pool").count) ?? 0) / 1024 }
        #expect(eventually { packets() >= 2 }, "\(source.errors)")
        try bus.beginNow()
        #expect(eventually { source.errors.halts(by: "TPM2_GetRandom") > 0 && bus.strikes > 0 }, "\(source.errors)")
        #expect(eventually { source.errors.recoveries(of: "TPM2_GetRandom") > 0 }, "\(source.errors)")
        let before = packets()
        #expect(eventually { packets() > before }, "\(source.errors)")
        #expect(bus.strikes == 6)
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        _ = sink.stop()
    }

    @Test(arguments: Build.available) func withoutPhysicalNoiseNothingIsSent(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        try place.directory.write(
            "random", [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/dev/urandom"), limit: 65536)))
        for noise in [
            ["--noise", "kernel"], ["--noise", "kernel,arrivals"],
            ["--noise", "kernel", "--noise-file", "/dev/urandom"],
            ["--noise", "kernel", "--noise-command", "cat random"],
        ] {
            let finished = try place.start("entropy-source", ["--once"] + noise).wait()
            #expect(finished.status == 69, "\(finished.errors)")
            #expect(finished.errors.packets.isEmpty, "\(finished.errors)")
        }
        #expect(catcher.frames.isEmpty)
        // For tests it may be; then each line says so.
        let finished = try place.start("entropy-source", ["--once", "--noise", "kernel", "--software-only"]).wait()
        #expect(finished.status == 0 && catcher.frames.count == 1)
        for line in finished.errors.split(separator: "\n") {
            #expect(line.hasPrefix("entropy-source: [software only] "), "\(line)")
        }
        let failed = try place.start("entropy-source", ["--once", "--software-only", "-t", "none"]).wait()
        #expect(
            failed.errors.hasSuffix("\n")
                && failed.errors.split(separator: "\n").last?.contains("[software only]") == true)
    }

    /// One more source for experiments: what is wrong with it is said, and holds up nothing.
    @Test(arguments: Build.available) func experiments(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        // This test's own, whatever else runs.
        let span = "\(Int.random(in: 1_000_000..<2_000_000))"
        for (arguments, health) in [
            (["--noise-file", "/dev/zero"], "failed"), (["--noise-file", "/dev/null"], "unavailable"),
            (["--noise-file", "none"], "unavailable"), (["--noise-command", "yes 0123456789"], "failed"),
            (["--noise-command", "exit 3"], "unavailable"), (["--noise-command", "cat /dev/urandom"], "healthy"),
            (["--noise-command", "sleep \(span)"], "unavailable"),
        ] {
            try place.edit("targets.json") { $0.merge(["Next": 0, "Receipts": false]) { $1 } }
            let before = catcher.frames.count
            let finished = try place.start(
                "entropy-source", ["--once", "--json", "--noise", "kernel", "--software-only"] + arguments
            ).wait()
            #expect(finished.status == 0 && catcher.frames.count == before + 1, "\(finished.errors)")
            let report = try JSONSerialization.jsonObject(with: finished.output) as? [String: Any]
            let experiment = try #require((report?["Noise"] as? [[String: Any]])?.last)
            #expect(experiment["Health"] as? String == health, "\(experiment) \(finished.errors)")
            let name = try #require(experiment["Name"] as? String)
            #expect(health == "healthy" || !finished.errors.lines(about: name).isEmpty, "\(name): \(finished.errors)")
        }
        // What was started is gone with the program.
        #expect(try run(["pgrep", "-f", "^sleep \(span)$"]).text.isEmpty)
    }

    /// The program's own known answers, changed in the file: it refuses to run, for each of them.
    @Test(arguments: Build.available) func aDamagedProgramSendsNothing(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        var command = place.command("entropy-source", ["--once"])
        let program = try #require(command.firstIndex { $0.hasSuffix("/entropy-source") })
        let original = try Data(contentsOf: URL(fileURLWithPath: command[program]))
        command[program] = place.directory.file("damaged")
        for (answer, part) in [
            ("4f8b42c22dd3729b519ba6f68d2da7cc5b2d606d05daed5ad5128cc03e6c6358", "SHAd-256"),
            ("7cbe2c17684ac223d08969ee8b565616717661c0d2f4758bd6ba140bf3791abd", "generator"),
            ("fd6648ba3086e919cee34904ef09a7ff021f77580558b8c3e9248275f23042bf", "generator"),
            ("b7b86bd9a27d96d7bb4add1b6b10d1572350b1c61253db2f8da233be726dc15f", "accumulator"),
        ] {
            var damaged = original
            // Everywhere: a build with a sanitizer has a second copy that nobody reads.
            while let range = damaged.range(of: Data(answer.utf8)) { damaged[range.lowerBound] ^= 1 }
            #expect(damaged != original)
            try damaged.write(to: URL(fileURLWithPath: command[program]))
            #expect(chmod(command[program], 0o700) == 0)
            let finished = try run(command, in: place.directory.path)
            #expect(finished.status == 1 && finished.errors.names(part), "\(finished.errors)")
        }
        #expect(catcher.frames.isEmpty)
        try original.write(to: URL(fileURLWithPath: command[program]))
        #expect(try run(command, in: place.directory.path).status == 0)
    }

    @Test(arguments: Build.available) func wrongChoicesAreRefused(_ build: Build) throws {
        let place = try goodPlace(build)
        for arguments in [
            ["--noise", ""], ["--noise", "tpm,tpm"], ["--noise", "tpm, kernel"], ["--noise", "file"],
            ["--noise", "tpm,"],
            ["--selftest", "--once"], ["--selftest", "-k", "signer.key"], ["--selftest", "--noise", "dice"],
        ] {
            let finished = try run(build.command("entropy-source") + arguments, in: place.directory.path)
            #expect(finished.status == 64, "\(arguments): \(finished.errors)")
        }
    }
}

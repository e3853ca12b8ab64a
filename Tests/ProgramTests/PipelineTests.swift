import Foundation
import Support
import Testing

/// The whole way of a chunk, with the programs as programs: once built for this machine, once for the board.
@Suite(.enabled(if: haveTools("swtpm", "qemu-arm-static"), "swtpm or qemu-arm-static is not installed"))
struct PipelineTests {
    @Test(
        arguments: Build.available,
        [["-s", "2048"], ["-s", "3072"], ["--algorithm", "ecdsa"]])
    func aChunkSignedByTheTPMIsMixed(_ build: Build, _ rsagen: [String]) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(rsagen)
        #expect(try tpm.leftovers() == "")
        let sink = try RunningSink(place)
        #expect(try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json").status == 0)
        let before = Int64(Date().timeIntervalSince1970)
        #expect(try place.deliver() == (0, ["mixed 1"]))
        #expect(try place.directory.read("pool").count == 1024)
        #expect(try place.number("config.json", "Counter") == 1)
        #expect(try place.number("targets.json", "Counter") == 1)
        let next = try #require(try place.number("targets.json", "Next"))
        // Six hours, a tenth more or less.
        let after = Int64(Date().timeIntervalSince1970)
        #expect((before + 19440...after + 23760).contains(next))
        #expect(try place.directory.read("source.seed").count == 64)
        #expect(try tpm.leftovers() == "")
        // Nothing is due now; six hours later the next one is.
        #expect(try place.run("entropy-source", "--once").status == 0)
        #expect(try place.chunks == 1 && place.number("targets.json", "Counter") == 1)
        try place.edit("targets.json") { $0["Next"] = before - 1 }
        #expect(try place.deliver() == (0, ["mixed 2"]))
        let pool = try place.directory.read("pool")
        #expect(pool.count == 2048)
        #expect(pool.prefix(1024) != pool.suffix(1024))
        #expect(try place.number("config.json", "Counter") == 2)
        #expect(sink.stop().status == 0)
    }

    /// A start sends the TPM what the first packet needs, and nothing besides: the pools are filled once.
    @Test(.enabled(if: haveTools("socat"), "socat is not installed"), arguments: Build.available)
    func theFirstPacketTakesTheseCommands(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let recorder = try BusRecorder(tpm)
        #expect(try place.run("entropy-source", "--once", "--tcti", recorder.tcti).status == 0)
        // TPM2_CreatePrimary, TPM2_StartAuthSession, TPM2_Load, TPM2_FlushContext of the primary; TPM2_GetRandom, 64 bytes each;
        // TPM2_Sign; TPM2_FlushContext of key and session.
        let noise = [UInt32](repeating: 0x17b, count: 1024 / 64)
        #expect(try recorder.commandCodes() == [0x131, 0x176, 0x157, 0x165] + noise + [0x15d, 0x165, 0x165])
    }

    @Test(arguments: Build.available) func aSoftwareKeySignsToo(_ build: Build) throws {
        for rsagen in [[], ["-a"], ["--algorithm", "ecdsa"]] {
            let place = try Workplace(build)
            try place.provision(rsagen)
            let sink = try RunningSink(place)
            try place.run("entropy-target", "-a", "localhost:\(sink.port)", "--append", "targets.json")
            let source = try place.run("entropy-source", "--once")
            #expect(source.status == 0, "\(source.errors)")
            #expect(source.errors.names("signer.key"), "\(source.errors)")
            #expect(try place.directory.read("pool").count == 1024)
        }
    }

    @Test(arguments: Build.available) func filesHaveTheirModes(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        try place.run("entropy-target", "-a", "h:1", "--append", "targets.json")
        for (name, mode) in [
            ("signer.key", 0o600), ("decrypt.key", 0o600), ("targets.json", 0o600), ("signer.pub", 0o644),
            ("decrypt.pub", 0o644),
        ] { #expect(try place.directory.mode(name) == mode, "\(name)") }
    }

    @Test(arguments: Build.available) func keysAreReadInPEM(_ build: Build) throws {
        let place = try Workplace(build)
        try place.run("rsagen", "--software", "-a")
        try place.run("curve25519gen", "-a")
        #expect(try place.directory.text("decrypt.key").hasPrefix("-----BEGIN CURVE25519 PRIVATE KEY-----\n"))
        #expect(try place.directory.text("signer.pub").hasPrefix("-----BEGIN PUBLIC KEY-----\n"))
        let configuration = try place.run("entropy-config")
        #expect(configuration.status == 0, "\(configuration.errors)")
        #expect(try place.run("entropy-target", "-a", "h:1").status == 0)
        // The public half alone, from the private file: as PEM the same, in DER another form of it.
        #expect(try place.run("rsagen", "--key", "signer.key", "-a", "-o", "again").status == 0)
        #expect(try place.directory.read("again.pub") == place.directory.read("signer.pub"))
        #expect(try !place.directory.snapshot().keys.contains("again.key"))
    }

    @Test(arguments: Build.available) func theTPMKeysPublicHalfNeedsNoTPM(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision()
        tpm.stop()
        #expect(try place.run("rsagen", "--key", "signer.key", "-o", "again").status == 0)
        #expect(try place.directory.read("again.pub") == place.directory.read("signer.pub"))
        let refused = try place.run("rsagen", "--key", "signer.key", "-o", "again")
        #expect(refused.status == 73)
    }

    @Test(arguments: Build.available) func signalsStopCleanly(_ build: Build) throws {
        for signal in [SIGTERM, SIGINT] {
            let tpm = try SoftwareTPM()
            let place = try Workplace(build, tpm: tpm)
            try place.provision()
            let sink = try RunningSink(place)
            try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
            let source = try place.start("entropy-source", ["--scan", "1h"])
            #expect(eventually { place.chunks == 1 }, "\(source.errors)")
            let seed = try place.directory.read("source.seed")
            source.signal(signal)
            let finished = source.wait()
            #expect(finished.status == 0)
            #expect(try place.directory.read("source.seed") != seed)
            #expect(try place.number("targets.json", "Counter") == 1)
            #expect(try tpm.leftovers() == "")
        }
    }

    @Test(arguments: Build.available) func aSecondSignalEndsItAtOnce(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let (hole, port) = try Socket.listen()
        try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json")
        let source = try place.start("entropy-source", [])
        let taken = try hole.accept()
        #expect(taken.receive(2).count == 2)
        // The first one waits a little for the receipt, and ends with 0; the next one, of the other kind, ends it. It is sent
        // until it came after the first one.
        source.signal(SIGTERM)
        let isEnded = eventually {
            source.signal(SIGINT)
            return !source.process.isRunning
        }
        #expect(isEnded && source.process.terminationReason == .uncaughtSignal)
    }

    @Test(arguments: Build.available) func theListIsReadOnEveryScan(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let sink = try RunningSink(place)
        try place.directory.write("targets.json", "[]")
        let source = try place.start("entropy-source", ["--scan", "1s", "--interval", "1h"])
        #expect(eventually { FileManager.default.fileExists(atPath: place.directory.file("source.seed")) })
        // A list that is broken for a while stops nothing; it is left as it is.
        try place.directory.write("targets.json", "[{")
        #expect(eventually { source.errors.names("targets.json") }, "\(source.errors)")
        #expect(try place.directory.text("targets.json") == "[{")
        try place.directory.write("targets.json", "[]")
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(eventually { place.chunks == 1 }, "\(source.errors)")
        #expect(source.process.isRunning)
    }

    @Test(arguments: Build.available) func theTPMMayBeResetBetweenTwoPackets(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let source = try place.start("entropy-source", ["--scan", "1s", "--interval", "1s"])
        #expect(eventually { place.chunks >= 1 }, "\(source.errors)")
        try tpm.restart()
        let before = place.chunks
        #expect(eventually { place.chunks >= before + 2 }, "\(source.errors)")
        // A TPM that is gone for a while is reported and waited for.
        tpm.stop()
        #expect(eventually { source.errors.halts(by: "TPM2_GetRandom") > 0 }, "\(source.errors)")
        try tpm.restart()
        let meanwhile = place.chunks
        #expect(eventually { place.chunks > meanwhile + 1 }, "\(source.errors)")
    }
}

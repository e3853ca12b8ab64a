import Foundation
import Support
import Testing

/// What a TPM does to a source in the long run. Slow: half a minute each.
@Suite(.enabled(if: haveTools("swtpm", "tpm2_getcap", "qemu-arm-static"), "swtpm, tpm2-tools or qemu is not installed"))
struct EnduranceTests {
    func hasNoFailedTry(_ tpm: SoftwareTPM) throws -> Bool {
        try tpm.tool("tpm2_getcap", "properties-variable").text.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0\n")
    }

    @Test func aThousandPacketsLeaveNothingBehind() throws {
        let tpm = try SoftwareTPM()
        let recorder = try BusRecorder(tpm)
        let place = try Workplace(.host, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa", "--auth-file", "auth"])
        let catcher = try PacketCatcher(everywhere: true)
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        // One catcher under a hundred names, ten times and more: 127.0.0.0/8 is all this machine.
        let list = (1...100).map { ["Address": "127.0.0.\($0):\(catcher.port)", "Public": key] }
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: list)))
        let source = try place.start(
            "entropy-source", ["--scan", "1s", "--interval", "1s", "--auth-file", "auth", "--tcti", recorder.tcti])
        #expect(eventually(seconds: 1800) { catcher.frames.count >= 1000 }, "\(source.errors.suffix(500))")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        let parsed = try JSONSerialization.jsonObject(with: Data(place.directory.read("targets.json")))
        let packets = try #require(parsed as? [[String: Any]]).reduce(0) { $0 + (($1["Counter"] as? Int) ?? 0) }
        #expect(packets >= 1000)
        let codes = try recorder.commandCodes()
        // TPM2_Sign: one for each packet, and one at the start to see whether the password is right. Up to 32 packets get their
        // numbers together, before they are signed: SIGTERM leaves the rest of such a group out.
        let signed = codes.count { $0 == 0x15d } - 1
        #expect((catcher.frames.count...packets).contains(signed) && packets - signed < 32)
        // TPM2_CreatePrimary, TPM2_StartAuthSession and TPM2_Load: once.
        for code in [0x131, 0x176, 0x157] as [UInt32] { #expect(codes.filter { $0 == code }.count == 1) }
        // TPM2_GetRandom: before each round of packets the pools are filled, 64 bytes a command.
        let fillings = codes.filter { $0 == 0x17b }.count / (1024 / 64)
        #expect((1...packets).contains(fillings))
        #expect(try tpm.leftovers() == "")
        #expect(try hasNoFailedTry(tpm))
    }

    /// The TPM is killed, as by a power cut, and comes back between any two packets.
    @Test(arguments: Build.available) func fiftyPowerCuts(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        try place.provision(["--algorithm", "ecdsa", "--auth-file", "auth"])
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let source = try place.start(
            "entropy-source", ["--scan", "1s", "--interval", "1s", "--auth-file", "auth"])
        func mixed() -> Int { sink.log.packets(.mixed).count }
        for cut in 1...50 {
            let before = mixed()
            #expect(eventually { mixed() > before }, "after \(cut - 1) cuts: \(source.errors.suffix(500))")
            // In its sleep, or in the midst of the next packet.
            usleep(UInt32.random(in: 0...1_100_000))
            try tpm.restart()
        }
        let before = mixed()
        #expect(eventually { mixed() > before }, "\(source.errors.suffix(500))")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        // What was mixed was mixed once; a packet that was counted and could not be signed leaves a number out.
        let numbers = sink.log.packets(.mixed)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
        #expect(try place.directory.read("pool").count == 1024 * mixed())
        let (sent, taken) = (try place.number("targets.json", "Counter"), try place.number("config.json", "Counter"))
        #expect(try #require(taken) <= #require(sent))
        #expect(try tpm.leftovers() == "")
        #expect(try hasNoFailedTry(tpm))
    }
}

import Foundation
import Support
import Testing

/// The programs for 64-bit boards, by the recipe of the board's (`make board-arm64`). Enough to see that the recipe holds: what is
/// the programs' own is tested with the other two builds.
@Suite(.enabled(if: Build.arm64.isThere && haveTools("swtpm", "qemu-aarch64-static"), "make board-arm64 was not run"))
struct Arm64Tests {
    @Test func aKeyIsMadeAndAPacketMixed() throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(.arm64, tpm: tpm)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        #expect(try place.deliver() == (0, ["mixed 1"]))
        #expect(try place.number("config.json", "Counter") == 1)
        // Another program reads the key that this one made.
        let judged = try run(
            [
                "openssl", "pkey", "-provider", "tpm2", "-provider", "default", "-in", "signer.key", "-pubout",
                "-outform", "DER",
            ], in: place.directory.path, environment: tpm.environment)
        #expect(judged.output == Data(try place.directory.read("signer.pub")), "\(judged.errors)")
        #expect(
            try place.start("entropy-source", ["--selftest", "--noise", "kernel", "--software-only"]).wait().status == 0
        )
    }
}

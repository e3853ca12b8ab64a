import Foundation
import Support
import Testing

/// The seed is exchanged before the first output, and no kill at any step leaves half a seed, or one that is used twice.
@Suite(.enabled(if: haveTools("strace"), "strace is not installed")) struct SeedKillTests {
    /// The calls with which a file is read and replaced; each is the last one that the program makes, the first time that it
    /// concerns the seed, the second time, and so on, until the program lives to its end.
    static let calls = [
        "openat", "read", "write", "fsync", "fchmod", "fchown", "renameat2", "unlink", "flock", "close",
    ]

    @Test(arguments: calls) func killedAtEachStep(_ call: String) throws {
        let place = try Workplace(.host)
        try place.provision()
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        #expect(try place.run("entropy-source", "--once").status == 0)
        for step in 1...12 {
            // The catcher gives no receipts, by the list: it is sent more than two packets.
            try place.edit("targets.json") {
                $0["Next"] = 0
                $0["Receipts"] = false
            }
            let (seed, sent) = (try place.directory.read("source.seed"), catcher.frames.count)
            let traced = [
                "strace", "-f", "-qq", "-o", "/dev/null", "-P", place.directory.file("source.seed"),
                "-P", place.directory.file(".source.seed.new"), "-P", "source.seed", "-P", ".source.seed.new",
                "-e", "trace=\(call)", "-e", "inject=\(call):signal=KILL:when=\(step)",
            ]
            let finished = try run(
                traced + place.command("entropy-source", ["--once"]), in: place.directory.path)
            let after = try place.directory.read("source.seed")
            #expect(after.count == 64, "\(call) \(step)")
            // With the old seed in place, not a byte of output was shown to anybody.
            if after == seed { #expect(catcher.frames.count == sent, "\(call) \(step)") }
            guard finished.status != 0 else {
                #expect(after != seed && catcher.frames.count == sent + 1)
                // Calls that are not made at all prove nothing.
                if ["openat", "write", "fsync"].contains(call) { #expect(step > 2, "\(call) was never struck") }
                return
            }
            #expect(finished.status == SIGKILL, "\(call) \(step): \(finished.errors)")
        }
        Issue.record("\(call) was struck twelve times, and there is no end to it")
    }
}

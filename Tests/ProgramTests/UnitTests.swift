import Foundation
import Support
import Testing

/// The units as systemd's own judge sees them: `systemd-analyze`.
@Suite(.enabled(if: haveTools("systemd-analyze"), "systemd is not installed"))
struct UnitTests {
    /// A copy of the unit in a directory of its own, with the program where it was built.
    func unit(_ name: String) throws -> (TemporaryDirectory, path: String) {
        let directory = try TemporaryDirectory()
        let systemd = packageRoot.appendingPathComponent("provisioning/systemd")
        let text = try String(contentsOf: systemd.appendingPathComponent("\(name).service"), encoding: .utf8)
        let program = Build.host.command(name)[0]
        #expect(text.contains("ExecStart=/usr/bin/\(name)"))
        try directory.write(
            "\(name).service", text.replacingOccurrences(of: "/usr/bin/\(name)", with: program), mode: 0o644)
        return (directory, directory.file("\(name).service"))
    }

    @Test(arguments: ["entropy-source", "entropy-sink"]) func isUnderstood(_ name: String) throws {
        let (directory, path) = try unit(name)
        let verified = try run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path])
        #expect(verified.status == 0 && verified.errors == "", "\(verified.errors)")
        _ = directory
    }

    /// In tenths: what the unit leaves to the program, 100 being everything.
    @Test(arguments: [("entropy-source", 15), ("entropy-sink", 20)]) func littleIsLeftToIt(
        _ name: String, _ tenths: Int
    ) throws {
        let (directory, path) = try unit(name)
        let judged = try run(
            ["systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=\(tenths)", path])
        #expect(judged.status == 0, "\(judged.text)")
        #expect(judged.text.contains("Overall exposure level for \(name).service"), "\(judged.text)")
        _ = directory
    }
}

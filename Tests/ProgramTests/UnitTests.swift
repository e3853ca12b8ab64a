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

    /// The values of a setting, in the last line of its name.
    func setting(_ name: String, of unit: String) throws -> [Substring] {
        let path = packageRoot.appendingPathComponent("provisioning/systemd/\(unit).service")
        let lines = try String(contentsOf: path, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.last { $0.hasPrefix("\(name)=") })
        return line.dropFirst(name.count + 1).split(separator: " ")
    }

    /// What heals by waiting is waited for without an end: a TPM, an address. What does not, or is counted by a TPM, is not
    /// tried again: wrong usage, bad and missing files, refused passwords.
    @Test(arguments: ["entropy-source", "entropy-sink"]) func itStartsAnewWhereThatHelps(_ name: String) throws {
        #expect(try setting("Restart", of: name) == ["on-failure"])
        #expect(try setting("StartLimitIntervalSec", of: name) == ["0"])
        #expect(try setting("RestartPreventExitStatus", of: name) == ["64", "65", "66", "77"])
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

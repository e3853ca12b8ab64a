import Foundation

/// Stands between a program and a swtpm like a bus with a bad contact (Tests/Peers/disturbed_bus.py says how it can be bad).
public final class DisturbedBus: Sendable {
    private let directory: TemporaryDirectory
    private let running: Running

    /// For `--tcti` and TPM2TOOLS_TCTI.
    public var tcti: String { "swtpm:path=\(directory.file("n"))" }

    public init(_ tpm: SoftwareTPM, _ disturbance: String, _ number: Int) throws {
        directory = try TemporaryDirectory()
        let script = packageRoot.appendingPathComponent("Tests/Peers/disturbed_bus.py").path
        running = try Running([
            "/usr/bin/python3", script, directory.file("n"), tpm.socket, disturbance, String(number),
        ])
        let directory = directory
        guard eventually({ isListening(directory.file("n")) && isListening(directory.file("n.ctrl")) }) else {
            throw SetupFailed(text: running.errors)
        }
    }

    /// From now on it is as bad as it can be, where it waits for that.
    public func beginNow() throws { try directory.write("n.now", "") }

    /// How often it struck or delayed.
    public var strikes: Int { running.output.split(separator: "\n").count }
}

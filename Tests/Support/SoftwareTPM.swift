import Foundation

/// A swtpm of its own on a Unix socket, ended with this value. It serves one connection at a time.
public final class SoftwareTPM: @unchecked Sendable {
    private let directory: TemporaryDirectory
    private var process: Running

    /// For `--tcti` and TPM2TOOLS_TCTI.
    public var tcti: String { "swtpm:path=\(socket)" }

    /// The data channel; the control channel has `.ctrl` after it.
    public var socket: String { directory.file("s") }

    /// What tpm2-tools and tpm2-openssl are told by.
    public var environment: [String: String] { ["TPM2TOOLS_TCTI": tcti, "TPM2OPENSSL_TCTI": tcti] }

    public init() throws {
        directory = try TemporaryDirectory()
        process = try SoftwareTPM.start(directory)
    }

    /// Kills it as a power cut would, and starts it again with the state that it kept.
    public func restart() throws {
        stop()
        process = try SoftwareTPM.start(directory)
    }

    public func stop() {
        process.signal(SIGKILL)
        _ = process.wait()
    }

    /// An outside look through tpm2-tools.
    public func tool(_ command: String...) throws -> Finished { try run(command, environment: environment) }

    /// What tpm2-tools finds loaded: empty when every object and session was flushed.
    public func leftovers() throws -> String {
        try tool("tpm2_getcap", "handles-transient").text + tool("tpm2_getcap", "handles-loaded-session").text
    }

    private static func start(_ directory: TemporaryDirectory) throws -> Running {
        for name in ["s", "s.ctrl"] { try? FileManager.default.removeItem(atPath: directory.file(name)) }
        let process = try Running([
            "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(directory.path)",
            "--server", "type=unixio,path=\(directory.file("s"))",
            "--ctrl", "type=unixio,path=\(directory.file("s.ctrl"))", "--flags", "not-need-init,startup-clear",
        ])
        guard
            eventually({
                ["s", "s.ctrl"].allSatisfy { FileManager.default.fileExists(atPath: directory.file($0)) }
            })
        else { throw POSIXError(.ENOENT) }
        return process
    }
}

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

    /// One with an endorsement certificate, as makers ship them: by an authority of its own (`authorities`).
    public init(certified: Void) throws {
        directory = try TemporaryDirectory()
        try SoftwareTPM.manufacture(directory)
        process = try SoftwareTPM.start(directory)
    }

    /// The certificates that vouch for the endorsement certificate, in PEM: root first, then the issuer.
    public func authorities() throws -> [UInt8] {
        try directory.read("swtpm-localca-rootca-cert.pem") + directory.read("issuer.pem")
    }

    /// The endorsement certificate as tpm2-tools reads it.
    public func endorsementCertificate() throws -> [UInt8] {
        _ = try tool("tpm2_nvread", "0x1c00002", "-o", directory.file("ek.der"))
        return try directory.read("ek.der")
    }

    /// Under a sanitizer tpm2-tss' module stays loaded, so that a leak of its own can be named (Tests/leaks.txt).
    private static let isModuleKept = Build.isSanitized && dlopen("libtss2-tcti-swtpm.so.0", RTLD_NOW) != nil

    private static func manufacture(_ directory: TemporaryDirectory) throws {
        try directory.write(
            "ca.conf",
            """
            statedir = \(directory.path)
            signingkey = \(directory.file("signing.pem"))
            issuercert = \(directory.file("issuer.pem"))
            certserial = \(directory.file("serial"))

            """)
        try directory.write("ca.options", "--platform-manufacturer Test\n--platform-version 1\n--platform-model Test\n")
        try directory.write(
            "setup.conf",
            """
            create_certs_tool = \(findTool("swtpm_localca") ?? "swtpm_localca")
            create_certs_tool_config = \(directory.file("ca.conf"))
            create_certs_tool_options = \(directory.file("ca.options"))
            active_pcr_banks = sha256

            """)
        let made = try run([
            "swtpm_setup", "--tpm2", "--tpm-state", directory.path, "--create-ek-cert", "--config",
            directory.file("setup.conf"), "--overwrite",
        ])
        guard made.status == 0 else { throw SetupFailed(text: made.text + made.errors) }
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

    /// Makes `primary` in the directory: the context of the primary that keys of this project have, by tpm2-tools.
    public func createPrimary(_ primary: String, in directory: TemporaryDirectory) throws {
        try tools(
            [
                "tpm2_createprimary", "-c", primary, "-G", "ecc", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt", "-Q",
            ], in: directory)
    }

    /// Runs one of tpm2-tools in a directory, which must succeed, and flushes what it leaves loaded.
    public func tools(_ command: [String], in directory: TemporaryDirectory) throws {
        let finished = try run(command, in: directory.path, environment: environment)
        guard finished.status == 0 else { throw SetupFailed(text: finished.errors) }
        _ = try tool("tpm2_flushcontext", "-t")
    }

    /// What tpm2-tools finds loaded: empty when every object and session was flushed.
    public func leftovers() throws -> String {
        try tool("tpm2_getcap", "handles-transient").text + tool("tpm2_getcap", "handles-loaded-session").text
    }

    private static func start(_ directory: TemporaryDirectory) throws -> Running {
        _ = isModuleKept
        for name in ["s", "s.ctrl"] { try? FileManager.default.removeItem(atPath: directory.file(name)) }
        let process = try Running([
            "swtpm", "socket", "--tpm2", "--tpmstate", "dir=\(directory.path)",
            "--server", "type=unixio,path=\(directory.file("s"))",
            "--ctrl", "type=unixio,path=\(directory.file("s.ctrl"))", "--flags", "not-need-init,startup-clear",
        ])
        // The name is there before anyone listens.
        guard eventually({ isListening(directory.file("s")) && isListening(directory.file("s.ctrl")) }) else {
            throw SetupFailed(text: process.errors)
        }
        return process
    }
}

/// True when a program listens on this Unix socket; asks the kernel, since a connection would be the one that is served.
public func isListening(_ socket: String) -> Bool { unixSockets(socket).contains { $0[3] == "00010000" } }

/// True when a datagram socket of this name is there; "@" begins an abstract one.
public func isBound(_ socket: String) -> Bool { !unixSockets(socket).isEmpty }

/// Those of that name, connections that were accepted too: Num, RefCount, Protocol, Flags (SO_ACCEPTCON), Type, St, Inode, Path.
private func unixSockets(_ name: String) -> [[Substring]] {
    // Names need not be text: other programs' neither.
    let bytes = (try? Data(contentsOfKernelFile: "/proc/net/unix")) ?? Data()
    let table = String(decoding: bytes, as: UTF8.self)
    return table.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count == 8 && $0[7] == name }
}

struct SetupFailed: Error { let text: String }

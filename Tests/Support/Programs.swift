import Foundation
import Testing

/// Where a program under test comes from: built for this machine, for the board and run by qemu as an emulated Cortex-A8, or
/// for 64-bit boards, likewise.
public enum Build: String, Sendable, CustomTestStringConvertible {
    case host, board, arm64

    public var testDescription: String { rawValue }

    /// The builds to test: those that TEST_BUILDS names, as the Makefile does. Without it the host's, and the board's where
    /// `make board` was run, or had to be. Under a sanitizer only the host's is of interest.
    public static let available: [Build] = {
        guard scratchPath == nil else { return [.host] }
        guard let named = ProcessInfo.processInfo.environment["TEST_BUILDS"] else {
            return isCI || Build.board.isThere ? [.host, .board] : [.host]
        }
        return named.split(separator: " ").map { name in
            guard let build = Build(rawValue: String(name)) else { fatalError("TEST_BUILDS: \(name) is no build") }
            return build
        }
    }()

    /// Where the host's build is when it is not in .build: a build with a sanitizer.
    private static let scratchPath = ProcessInfo.processInfo.environment["SCRATCH_PATH"]

    /// True for a build with a sanitizer, which needs files and memory of its own.
    public static var isSanitized: Bool { scratchPath != nil }

    public var isThere: Bool { FileManager.default.isExecutableFile(atPath: path("rsagen")) }

    private var directory: String {
        switch self {
        case .host: "\(Build.scratchPath ?? ".build")/debug"
        case .board: ".build-board/build/release"
        case .arm64: ".build-arm64/build/release"
        }
    }

    private func path(_ program: String) -> String {
        packageRoot.appendingPathComponent("\(directory)/\(program)").path
    }

    /// What runs a program for another processor: the emulator, and Debian's name for the processor's libraries.
    private var emulator: (command: [String], libraries: String)? {
        switch self {
        case .host: nil
        case .board: (["qemu-arm-static", "-cpu", "cortex-a8"], "arm-linux-gnueabihf")
        case .arm64: (["qemu-aarch64-static"], "aarch64-linux-gnu")
        }
    }

    /// The command that runs `program`; the sink is always the host's.
    public func command(_ program: String) -> [String] {
        guard let emulator, program != "entropy-sink" else { return [Build.host.path(program)] }
        let sdk = directory.replacingOccurrences(of: "build/release", with: "sdk/bbb.artifactbundle/bbb/sysroot")
        let sysroot = packageRoot.appendingPathComponent(sdk).path
        let libraries = ["lib", "usr/lib"].map { "\(sysroot)/\($0)/\(emulator.libraries)" }.joined(separator: ":")
        return emulator.command + ["-L", sysroot, "-E", "LD_LIBRARY_PATH=\(libraries)", path(program)]
    }
}

/// A directory with a source's and a sink's files, and the programs that use them.
public final class Workplace: Sendable {
    public let build: Build
    public let directory: TemporaryDirectory
    public let tpm: SoftwareTPM?

    public init(_ build: Build, tpm: SoftwareTPM? = nil) throws {
        self.build = build
        self.tpm = tpm
        directory = try TemporaryDirectory()
    }

    /// Starts a program in the directory.
    public func start(_ program: String, _ arguments: [String]) throws -> Running {
        try Running(command(program, arguments), in: directory.path, environment: tpm?.environment ?? [:])
    }

    /// The command that runs a program. A source gets the noise that every machine has, and is told so where that is none
    /// from physics, unless the arguments say otherwise.
    public func command(_ program: String, _ arguments: [String]) -> [String] {
        let isOther = ["--noise", "--status", "--check-age", "--selftest", "--help", "--version"].contains(
            where: arguments.contains)
        guard program == "entropy-source", !isOther else { return build.command(program) + arguments }
        let noise = tpm == nil ? ["--software-only", "--noise", "kernel"] : ["--noise", "tpm,kernel"]
        return build.command(program) + noise + arguments
    }

    /// Runs a program to its end.
    @discardableResult
    public func run(_ program: String, _ arguments: String...) throws -> Finished {
        try start(program, arguments).wait()
    }

    /// Makes every file that a source and a sink need, with the programs themselves. The sink listens on any free port.
    public func provision(_ rsagen: [String] = []) throws {
        _ = try start("rsagen", tpm == nil ? ["--software"] + rsagen : rsagen).wait()
        try run("curve25519gen")
        // A day of drift: what was sent once is sent again in a test, however long that took until then.
        let configuration = try run("entropy-config", "-a", "127.0.0.1:0", "-d", "86400")
        try directory.write("config.json", Array(configuration.output))
        try directory.write("pool", "")
    }

    /// Changes one member of a JSON object in a file, as an operator with an editor would.
    public func edit(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read(name)))
        if var object = parsed as? [String: Any] {
            change(&object)
            try directory.write(name, Array(JSONSerialization.data(withJSONObject: object)))
        } else if var list = parsed as? [[String: Any]] {
            for place in list.indices { change(&list[place]) }
            try directory.write(name, Array(JSONSerialization.data(withJSONObject: list)))
        }
    }

    /// Chunks in the sink's pool.
    public var chunks: Int { ((try? directory.read("pool").count) ?? 0) / 1024 }

    /// Runs a source once: its exit code, and what its report says of each target, as "mixed 1": status and counter.
    public func deliver(_ arguments: [String] = []) throws -> (exit: Int32, outcomes: [String]) {
        let finished = try start("entropy-source", ["--once", "--json"] + arguments).wait()
        return (finished.status, try outcomes(finished.output))
    }

    /// What the file says that a running source writes for who asks.
    public var outcomes: [String] {
        guard let report = try? directory.read("source.status.json") else { return [] }
        return (try? outcomes(Data(report))) ?? []
    }

    private func outcomes(_ json: Data) throws -> [String] {
        let report = try JSONSerialization.jsonObject(with: json) as? [String: Any]
        let targets = report?["Targets"] as? [[String: Any]] ?? []
        return targets.map { "\($0["Status"] ?? "") \($0["Counter"] ?? "")" }
    }

    /// An integer member of an object, or of the first object of a list.
    public func number(_ name: String, _ member: String) throws -> Int64? {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read(name)))
        let object = parsed as? [String: Any] ?? (parsed as? [[String: Any]])?.first
        return (object?[member] as? NSNumber)?.int64Value
    }
}

/// A sink that is listening on a port of its own; ended with this value.
public final class RunningSink: Sendable {
    public let running: Running
    public let port: UInt16

    public init(_ place: Workplace, pool: String = "pool", options: [String] = []) throws {
        running = try place.start("entropy-sink", ["--pool", pool] + options)
        port = try running.listeningPort()
    }

    public var log: String { running.errors }

    /// Ends it as systemd would.
    @discardableResult
    public func stop() -> Finished {
        running.signal(SIGTERM)
        return running.wait()
    }
}

extension Running {
    /// The port of a sink, once it listens.
    @discardableResult
    public func listeningPort() throws -> UInt16 {
        _ = eventually { errors.listeningPort != nil || !process.isRunning }
        guard let port = errors.listeningPort else { throw SinkDidNotStart(errors: errors) }
        return port
    }
}

/// How often `bytes` are in the memory of another process that may be written to; for root.
public func copies(of bytes: [UInt8], in process: Int32) throws -> Int {
    let memory = open("/proc/\(process)/mem", O_RDONLY)
    guard memory >= 0 else { throw POSIXError(.EACCES) }
    defer { close(memory) }
    let maps = try String(contentsOfFile: "/proc/\(process)/maps", encoding: .utf8)
    var found = 0
    for line in maps.split(separator: "\n") where line.contains(" rw") && !line.contains("[vvar") {
        let range = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
        var block = [UInt8](repeating: 0, count: 1 << 20)
        var place = range[0]
        // Steps overlap, so that nothing hides on a border.
        while place < range[1] {
            let size = min(block.count, Int(range[1] - place))
            let count = pread(memory, &block, size, off_t(place))
            if count > 0 {
                block.withUnsafeBytes { block in
                    var start = 0
                    while start + bytes.count <= count,
                        let next = memchr(block.baseAddress! + start, Int32(bytes[0]), count - start - bytes.count + 1)
                    {
                        if memcmp(next, bytes, bytes.count) == 0 { found += 1 }
                        start = UnsafeRawPointer(next) - block.baseAddress! + 1
                    }
                }
            }
            place += UInt64(size == block.count ? size - bytes.count + 1 : size)
        }
    }
    return found
}

struct SinkDidNotStart: Error { let errors: String }

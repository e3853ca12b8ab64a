import Foundation

/// What a finished program left behind.
public struct Finished: Sendable {
    public let status: Int32
    public let output: Data
    public let errors: String

    public var text: String { String(decoding: output, as: UTF8.self) }
    /// The lines on standard error: a refusal is one of them.
    public var errorLines: [String] { errors.split(separator: "\n").map(String.init) }
}

/// The package's directory.
public let packageRoot = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

/// True where a missing tool is a failure and no reason to skip.
public let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

/// Where a program of that name is, by PATH.
public func findTool(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// True when all these tools are here, or must be.
public func haveTools(_ names: String...) -> Bool { isCI || names.allSatisfy { findTool($0) != nil } }

/// A program that was started and not waited for; its output goes to files, so that no full pipe can stop it.
public final class Running: @unchecked Sendable {
    public let process = Process()
    private let directory: TemporaryDirectory

    public init(
        _ command: [String], in folder: String? = nil, input: Data? = nil, environment: [String: String] = [:],
        standardInput: Pipe? = nil
    ) throws {
        directory = try TemporaryDirectory()
        let program = command[0].contains("/") ? command[0] : findTool(command[0]) ?? command[0]
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = Array(command.dropFirst())
        if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
        var all = ProcessInfo.processInfo.environment
        all["TPM2TOOLS_TCTI"] = nil
        process.environment = all.merging(environment) { $1 }
        for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: directory.file(name), contents: nil) }
        process.standardOutput = FileHandle(forWritingAtPath: directory.file("out"))
        process.standardError = FileHandle(forWritingAtPath: directory.file("err"))
        if let input {
            try input.write(to: URL(fileURLWithPath: directory.file("in")))
            process.standardInput = FileHandle(forReadingAtPath: directory.file("in"))
        } else {
            process.standardInput = standardInput ?? FileHandle.nullDevice
        }
        try process.run()
    }

    /// What it has printed so far.
    public var output: String { (try? String(contentsOfFile: directory.file("out"), encoding: .utf8)) ?? "" }
    public var errors: String { (try? String(contentsOfFile: directory.file("err"), encoding: .utf8)) ?? "" }

    /// Waits for the end, at most `seconds`, then kills it: a program that hangs shows as signal 9.
    public func wait(seconds: Double = 300) -> Finished {
        var patience = Patience(seconds: seconds)
        while process.isRunning, patience.remains() { usleep(5000) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        let output = (try? Data(contentsOf: URL(fileURLWithPath: directory.file("out")))) ?? Data()
        return Finished(status: process.terminationStatus, output: output, errors: errors)
    }

    public func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    deinit {
        if process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }
}

/// Runs a program to its end.
@discardableResult
public func run(
    _ command: [String], in folder: String? = nil, input: Data? = nil, environment: [String: String] = [:]
) throws -> Finished {
    try Running(command, in: folder, input: input, environment: environment).wait()
}

/// Waits until `condition` holds. The limit is for a test that fails: it is far above what a busy machine needs.
public func eventually(seconds: Double = 300, _ condition: () throws -> Bool) rethrows -> Bool {
    var patience = Patience(seconds: seconds)
    while patience.remains() {
        if try condition() { return true }
        usleep(10000)
    }
    return try condition()
}

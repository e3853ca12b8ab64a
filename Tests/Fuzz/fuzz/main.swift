import CLibFuzzer
import Foundation

// usage: fuzz SUBJECT FILE|DIRECTORY...      runs each file, and each file in a directory, through the subject
//        fuzz SUBJECT [-OPTION=...] CORPUS   the same under libFuzzer, where it was built with -sanitize=fuzzer
//        fuzz                                lists the subjects

/// Chosen before the fuzzer starts; C's function pointers carry nothing along.
nonisolated(unsafe) var chosen: Subject?

func files(_ path: String) throws -> [String] {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
        return [path]
    }
    return try FileManager.default.contentsOfDirectory(atPath: path).sorted().map { "\(path)/\($0)" }
}

func replay(_ paths: [String], _ subject: Subject) throws {
    var count = 0
    var accepted = 0
    for path in try paths.flatMap(files) {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        FileHandle.standardError.write(Data("\(path)\n".utf8))  // where it ends, the last line says with what
        if subject.run(bytes) { accepted += 1 }
        count += 1
    }
    print("\(subject.name): \(count) inputs, \(accepted) accepted, no finding")
    if count == 0 { exit(66) }
}

let arguments = CommandLine.arguments
guard arguments.count > 1 else {
    for subject in Subject.all { print(subject.name) }
    exit(0)
}
guard let subject = Subject.named(arguments[1]), arguments.count > 2 else {
    FileHandle.standardError.write(Data("usage: fuzz SUBJECT FILE|DIRECTORY...; `fuzz` lists the subjects\n".utf8))
    exit(64)
}
chosen = subject
// The subject's name is no argument of libFuzzer's, but goes with the program's: to minimise, it has the shell start both.
let command = ["\(arguments[0]) \(subject.name)"] + arguments.dropFirst(2)
var passed: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
let code = libfuzzer_run(Int32(passed.count - 1), &passed) { bytes, count in
    _ = chosen?.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}
guard code == -1 else { exit(code) }
do {
    try replay(Array(arguments.dropFirst(2)), subject)
} catch {
    FileHandle.standardError.write(Data("fuzz: \(error.localizedDescription)\n".utf8))
    exit(66)
}

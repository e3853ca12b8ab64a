import Foundation
import Support
import Testing

/// A place with good files, one of which the case spoils.
func goodPlace(_ build: Build) throws -> Workplace {
    let place = try Workplace(build)
    try place.provision()
    try place.run("entropy-target", "-a", "127.0.0.1:1", "--append", "targets.json")
    return place
}

/// Runs a program that must refuse: `names` are parts of its last line.
func refused(
    _ place: Workplace, _ status: Int32, _ names: [String], _ program: String, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let before = try place.directory.snapshot()
    let finished = try place.start(program, arguments).wait()
    #expect(finished.status == status, "\(finished.errors)", sourceLocation: sourceLocation)
    #expect(finished.output.isEmpty, sourceLocation: sourceLocation)
    let last = finished.errorLines.last ?? ""
    #expect(last.hasPrefix("\(program): "), "\(finished.errors)", sourceLocation: sourceLocation)
    for name in names { #expect(last.contains(name), "\(finished.errors)", sourceLocation: sourceLocation) }
    #expect(try place.directory.snapshot() == before, sourceLocation: sourceLocation)
}

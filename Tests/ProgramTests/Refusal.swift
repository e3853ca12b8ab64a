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

/// Runs a program that must refuse, and must leave every file as it was. `things` are what its last line must name: files, JSON
/// members, options, addresses, handles, fingerprints. Phrases are refused: what the line says of the things is for people.
func refused(
    _ place: Workplace, _ status: Int32, _ things: [String], _ program: String, _ arguments: String...,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    let before = try place.directory.snapshot()
    let finished = try place.start(program, arguments).wait()
    #expect(finished.status == status, "\(finished.errors)", sourceLocation: sourceLocation)
    #expect(finished.output.isEmpty, sourceLocation: sourceLocation)
    let last = finished.errorLines.last ?? ""
    #expect(last.hasPrefix("\(program): "), "\(finished.errors)", sourceLocation: sourceLocation)
    for thing in things {
        #expect(
            last.names(thing, sourceLocation: sourceLocation), "\(thing): \(finished.errors)",
            sourceLocation: sourceLocation)
    }
    #expect(try place.directory.snapshot() == before, sourceLocation: sourceLocation)
}

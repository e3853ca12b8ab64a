import DER
import SwiftASN1

// This project's module and swift-asn1's enumeration are both called DER.
private typealias Theirs = SwiftASN1.DER

let derSubjects = [Subject(name: "der") { readElements($0) }]

/// Deeper is nothing that is read here, and swift-asn1 goes no deeper than 50.
private let deepest = 40

/// Any element: ours and swift-asn1 accept the same, what is accepted is written again byte by byte, and numbers are the
/// same.
private func readElements(_ bytes: [UInt8]) -> Bool {
    var outer = DERReader(bytes)
    var writer = DERWriter()
    let isOurs = (try? copy(&outer, to: &writer, depth: 0)) != nil && outer.isAtEnd
    if isOurs { require(writer.bytes == bytes, "an element has a second form") }
    let parsed = try? Theirs.parse(bytes)
    require(!isOurs || parsed != nil, "swift-asn1 refuses what is accepted")
    return isOurs
}

/// Copies one element, and what a constructed one holds.
private func copy(_ reader: inout DERReader, to writer: inout DERWriter, depth: Int) throws {
    guard depth < deepest else { throw DERError.badValue }
    guard let tag = reader.nextTag else { throw DERError.truncated }
    // Tags of more than one octet can be passed over only.
    guard tag & 0x1f != 0x1f else { throw DERError.unexpectedTag }
    var skipping = reader
    let contents = try reader.read(tag)
    try skipping.skip()
    require(skipping.isAtEnd == reader.isAtEnd && skipping.nextTag == reader.nextTag, "skip() goes elsewhere")
    if tag & 0x20 != 0 {
        var inner = DERReader(contents)
        var copies = DERWriter()
        while !inner.isAtEnd { try copy(&inner, to: &copies, depth: depth + 1) }
        writer.write(tag, copies.bytes)
    } else {
        writer.write(tag, contents)
        if tag == DERTag.integer { compareIntegers(contents) }
    }
}

private func compareIntegers(_ contents: ArraySlice<UInt8>) {
    var writer = DERWriter()
    writer.write(DERTag.integer, contents)
    var reader = DERReader(writer.bytes)
    let ours = try? reader.readInteger()
    require(ours == (try? Int64(derEncoded: writer.bytes)), "swift-asn1 reads another number")
    guard let ours else { return }
    var again = DERWriter()
    again.writeInteger(ours)
    require(again.bytes == writer.bytes, "a number has a second form")
}

/// A receipt's numbers as swift-asn1 reads them, of which a status is 0 to 4.
func receiptBySwiftASN1(_ bytes: [UInt8]) -> (status: Int64, counter: Int64, time: Int64)? {
    let numbers = try? Theirs.sequence(try Theirs.parse(bytes), identifier: .sequence) { nodes in
        (
            status: try Int64(derEncoded: &nodes, withIdentifier: .enumerated), counter: try Int64(derEncoded: &nodes),
            time: try Int64(derEncoded: &nodes)
        )
    }
    guard let numbers, (0...4).contains(numbers.status) else { return nil }
    return numbers
}

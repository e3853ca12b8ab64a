import Support
import SwiftASN1
import Testing

@testable import DER

@Suite struct DERReaderTests {
    static let borders: [Int64] = [
        .min, .min + 1, -1 << 32, -1 << 31, -32769, -32768, -129, -128, -1, 0, 1, 127, 128, 255, 256, 32767, 32768,
        1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32, .max - 1, .max,
    ]

    func encode(_ body: (inout DERWriter) -> Void) -> [UInt8] {
        var writer = DERWriter()
        body(&writer)
        return writer.bytes
    }

    @Test(arguments: borders) func integersAreTheOnesOfSwiftASN1(_ number: Int64) throws {
        var serializer = DER.Serializer()
        try number.serialize(into: &serializer)
        let ours = encode { $0.writeInteger(number) }
        #expect(ours == serializer.serializedBytes)
        var reader = DERReader(ours)
        #expect(try reader.readInteger() == number)
        try reader.finish()
    }

    @Test(.enabled(if: haveTools("openssl"), "openssl is not installed"), arguments: borders)
    func integersAreTheOnesOfOpenSSL(_ number: Int64) throws {
        let directory = try TemporaryDirectory()
        try directory.write("der", encode { $0.writeInteger(number) })
        let parsed = try run(["openssl", "asn1parse", "-inform", "DER", "-in", directory.file("der")])
        let digits = String(number.magnitude, radix: 16, uppercase: true)
        let padded = digits.count % 2 == 0 ? digits : "0" + digits
        #expect(parsed.text.hasSuffix(":\(number < 0 ? "-" : "")\(padded)\n"), "\(parsed.text)")
    }

    @Test(arguments: [0, 1, 127, 128, 255, 256, 65535, 65536]) func lengthsAreMinimal(_ count: Int) throws {
        let contents = [UInt8](repeating: 5, count: count)
        let ours = encode { $0.write(DERTag.octetString, contents) }
        var serializer = DER.Serializer()
        try ASN1OctetString(contentBytes: contents[...]).serialize(into: &serializer)
        #expect(ours == serializer.serializedBytes)
        var reader = DERReader(ours)
        #expect(Array(try reader.read(DERTag.octetString)) == contents)
    }

    @Test(
        arguments: [
            ([0x02, 0x00], .badInteger), ([0x02, 0x02, 0x00, 0x7f], .badInteger),
            ([0x02, 0x02, 0xff, 0x80], .badInteger),
            ([0x02, 0x09, 0, 0x80, 0, 0, 0, 0, 0, 0, 0], .badInteger), ([0x02, 0x80, 0x00, 0x00], .badLength),
            ([0x02, 0x81, 0x01, 0x05], .badLength), ([0x02, 0x82, 0x00, 0x01, 0x05], .badLength),
            ([0x02, 0x02, 0x05], .truncated),
            ([0x02], .truncated), ([], .truncated), ([0x04, 0x01, 0x05], .unexpectedTag),
            ([0x02, 0x84, 0xff, 0xff, 0xff, 0xff], .truncated), ([0x02, 0x84, 0x7f, 0xff, 0xff, 0xff], .truncated),
            ([0x02, 0x84, 0x80, 0x00, 0x00, 0x00], .truncated), ([0x02, 0x85, 1, 0, 0, 0, 0], .badLength),
            ([0x02, 0x82, 0x01], .truncated),
            ([0x02, 0xff], .badLength),
        ] as [([UInt8], DERError)])
    func badIntegersAreRefused(_ bytes: [UInt8], _ expected: DERError) {
        #expect(throws: expected) {
            var reader = DERReader(bytes)
            _ = try reader.readInteger()
        }
    }

    @Test func trailingBytesAreRefused() throws {
        var reader = DERReader([0x02, 0x01, 0x05, 0x00])
        _ = try reader.readInteger()
        #expect(throws: DERError.trailingBytes) { try reader.finish() }
    }

    @Test func whatIsAcceptedIsDERToSwiftASN1() throws {
        // 200,000 random elements: ours is never the more lenient of the two, and agrees on the value.
        var generator = SystemRandomNumberGenerator()
        var accepted = 0
        for _ in 0..<200_000 {
            var bytes: [UInt8] = [0x02]
            bytes.append([0, 1, 2, 3, 4, 8, 9, 0x80, 0x81, 0x82].randomElement(using: &generator) ?? 0)
            for _ in 0..<Int.random(in: 0...10, using: &generator) {
                bytes.append([0x00, 0x01, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0)
            }
            var reader = DERReader(bytes)
            guard let number = try? reader.readInteger(), (try? reader.finish()) != nil else { continue }
            accepted += 1
            #expect(try Int64(derEncoded: bytes) == number)
            #expect(encode { $0.writeInteger(number) } == bytes)
        }
        #expect(accepted > 1000)
    }

    @Test func unsignedIntegersKeepTheirSign() {
        #expect(encode { $0.writeUnsigned([0, 0, 0x80, 0x01]) } == [2, 3, 0, 0x80, 0x01])
        #expect(encode { $0.writeUnsigned([0x7f]) } == [2, 1, 0x7f])
        #expect(encode { $0.writeUnsigned([]) } == [2, 1, 0])
        #expect(encode { $0.writeUnsigned([0, 0]) } == [2, 1, 0])
    }
}

import EntropyCrypto
import Support
import Testing

@testable import EntropyPacket

/// Packets made and judged by the Go program that this one replaces.
struct ReferencePackets: Decodable {
    struct Group: Decodable {
        let keys: [String: String]
        let rsaBits: Int
        let cases: [Case]
    }

    struct Case: Decodable {
        let name: String
        let wire: String
        let expect: String
        let timestamp: Int64
        let counter: Int64
        let chunkSha256: String?
    }

    let groups: [Group]

    static let all = Result { try Vectors.load("reference-packets.json", as: ReferencePackets.self) }
}

/// The name that the vectors have for each refusal.
func code(_ error: PacketError) -> String {
    switch error {
    case .frameLength: "frameLength"
    case .boxTooShort: "boxTooShort"
    case .boxInvalid: "boxInvalid"
    case .malformedEnvelope: "malformedEnvelope"
    case .unsigned: "unsigned"
    case .signatureInvalid: "signatureInvalid"
    case .malformedPacket: "malformedPacket"
    case .chunkLength: "chunkLength"
    case .wrongRecipient: "wrongRecipient"
    case .recipientMissing: "recipientMissing"
    case .timestampOutsideDrift: "timestampOutsideDrift"
    case .counterRegressed: "counterRegressed"
    case .counterTooFarAhead: "counterTooFarAhead"
    case .madeBeforeStart: "madeBeforeStart"
    }
}

@Suite struct ReferencePacketTests {
    @Test func thereAre132Cases() throws {
        let groups = try ReferencePackets.all.get().groups
        #expect(groups.map(\.rsaBits) == [2048, 3072, 4096])
        #expect(groups.map(\.cases.count) == [44, 44, 44])
    }

    @Test(arguments: 0..<3) func eachGivesTheExpectedResult(_ number: Int) throws {
        let group = try ReferencePackets.all.get().groups[number]
        var privateBytes = hex(try #require(group.keys["sink_private"]))
        let sink = try BoxPrivateKey(moving: &privateBytes)
        #expect(sink.publicKey.bytes == hex(try #require(group.keys["sink_public"])))
        let signer = try PublicKey(hex(try #require(group.keys["signer_pkix_der"])))
        for each in group.cases {
            do throws(PacketError) {
                let opened = try Envelope.open(hex(each.wire), with: sink)
                let packet = try opened.message.verifiedPacket(by: [signer]).packet
                #expect(each.expect == "accept", "\(each.name)")
                #expect(packet.timestamp == each.timestamp, "\(each.name)")
                #expect(packet.counter == each.counter, "\(each.name)")
                #expect(hexadecimal(SHA256.hash(packet.chunk)) == each.chunkSha256, "\(each.name)")
                // DER has one form: what was accepted is what we would have written, later elements apart.
                if each.name != "sequence-extended" {
                    #expect(packet.encode() == opened.message.message, "\(each.name)")
                }
            } catch {
                #expect(code(error) == each.expect, "\(each.name)")
            }
        }
    }

    @Test(arguments: 0..<3) func ourSignaturesVerifyWithTheOriginalsKeys(_ number: Int) throws {
        let group = try ReferencePackets.all.get().groups[number]
        let signer = try SoftwareSigner(hex(try #require(group.keys["signer_pkcs1_der"])))
        let original = try PublicKey(hex(try #require(group.keys["signer_pkix_der"])))
        #expect(signer.publicKey.pkix == original.pkix)
        let message: [UInt8] = [1, 2, 3]
        #expect(original.verify(try signer.sign(message), of: message))
    }
}

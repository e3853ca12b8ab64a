import EntropyCrypto
import EntropyPacket
import Foundation
import Support
import Testing

/// Both directions against the program that this one replaces: its packets are the vectors; its sink is played by one
/// that was made of other libraries.
@Suite struct OriginalTests {
    struct Found: Decodable {
        let sealed, packet, chunk: Int
        let timestamp, counter: Int64
        let recipientMatches: Bool
    }

    static let hasPeer = isCI || FileManager.default.fileExists(atPath: "/usr/lib/python3/dist-packages/nacl")

    @Test(.enabled(if: hasPeer, "python3-nacl is not installed"), arguments: Build.available)
    func anotherSinkTakesOurPackets(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        for tpm in [tpm, nil] {
            let place = try Workplace(build, tpm: tpm)
            try place.provision()
            let script = packageRoot.appendingPathComponent("Tests/Peers/original_sink.py").path
            let peer = try Running(["/usr/bin/python3", script, "decrypt.key", "signer.pub"], in: place.directory.path)
            #expect(eventually { peer.output.contains("\n") }, "\(peer.errors)")
            let port = try #require(peer.output.split(separator: "\n").first)
            try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "-c", "4294967295", "--append", "targets.json")
            let before = Int64(Date().timeIntervalSince1970)
            #expect(try place.deliver() == (0, ["unconfirmed 4294967296"]))
            let result = peer.wait()
            try #require(result.status == 0, "\(result.errors)")
            let found = try Vectors.decode(Found.self, from: Data(result.text.split(separator: "\n")[1].utf8))
            #expect(found.counter == 4_294_967_296)
            #expect(found.chunk == 1024)
            #expect((before...Int64(Date().timeIntervalSince1970)).contains(found.timestamp))
            #expect(found.recipientMatches)
            // A counter of 1 has four bytes fewer: 1041 and 1381, and 18 for the recipient.
            #expect(found.packet == 1041 + 18 + 4)
            #expect(found.sealed == 1381 + 18 + 4)
        }
    }

    @Test(arguments: 0..<3) func ourSinkTakesItsPackets(_ number: Int) throws {
        let group = try Vectors.load("reference-packets.json", as: ReferencePackets.self).groups[number]
        let place = try Workplace(.host)
        let configuration: [String: Any] = [
            "Address": "127.0.0.1:0", "Drift": Int64.max, "Counter": Int64(-6),
            "CounterJump": Int64.max,
            "Private": Data(hex(try #require(group.keys["sink_private"]))).base64EncodedString(),
            "Signer": Data(hex(try #require(group.keys["signer_pkix_der"]))).base64EncodedString(),
        ]
        try place.directory.write("config.json", Array(JSONSerialization.data(withJSONObject: configuration)))
        try place.directory.write("pool", "")
        let sink = try RunningSink(place)
        // In rising order each accepted packet is mixed once; a second time its counter is refused.
        let cases = group.cases.filter { $0.expect == "accept" }.sorted { $0.counter < $1.counter }
        var mixed = 0
        var last = Int64(-6)
        for each in cases {
            for isFirst in [true, false] {
                let connection = try Socket.connect(sink.port)
                connection.send(Frame.encode(hex(each.wire)))
                let answer = connection.receive(200)
                #expect(Frame.receiptSizes.contains(answer.count - 2), "\(each.name)")
                if isFirst, each.counter > last {
                    mixed += 1
                    last = each.counter
                }
                #expect(try place.directory.read("pool").count == mixed * 1024, "\(each.name)")
                #expect(try place.number("config.json", "Counter") == last)
            }
        }
        #expect(last == .max)
        #expect(mixed >= 9)
        // Whoever is refused before the signature is verified gets no byte.
        for each in group.cases
        where ["boxInvalid", "boxTooShort", "unsigned", "signatureInvalid"].contains(each.expect) {
            let connection = try Socket.connect(sink.port)
            connection.send(Frame.encode(hex(each.wire)))
            #expect(connection.receive(1) == [], "\(each.name)")
        }
        #expect(sink.running.process.isRunning)
    }
}

/// The packets of the original, as far as they are sent here.
struct ReferencePackets: Decodable {
    struct Group: Decodable {
        let keys: [String: String]
        let cases: [Case]
    }
    struct Case: Decodable {
        let name, wire, expect: String
        let counter: Int64
    }
    let groups: [Group]
}

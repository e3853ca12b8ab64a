// Makes packets for the program storm, and the configuration of the sink that takes them.
//
// usage: packets DIRECTORY SOURCES PACKETS ALGORITHM PORT
//
// Each of the SOURCES has a software key of its own, RSA-2048 or P-256. Writes into DIRECTORY: packets (two numbers of four bytes,
// as this machine has them, then each source's frames in the order of their counters, which begin at 1) and config.json.

import EntropyCrypto
import EntropyPacket
import EntropyState
import Foundation
import Platform

struct Usage: Error {}

let words = CommandLine.arguments
guard words.count == 6, let sources = Int(words[2]), let count = Int(words[3]), let port = Int(words[5]),
    let algorithm = ["RSA-2048": KeyAlgorithm.rsa(bits: 2048), "P-256": .ecdsaP256][words[4]]
else { throw Usage() }
let directory = URL(fileURLWithPath: words[1], isDirectory: true)
let sink = BoxPrivateKey()

/// A source's frames and its public key.
struct Series: Sendable {
    let frames: [UInt8]
    let signer: String
}

@Sendable func makeSeries() throws -> Series {
    let signer = try SoftwareSigner(generating: algorithm)
    var frames: [UInt8] = []
    for counter in 1...count {
        let message = try Packet(
            timestamp: Clock.system.unixTime(), counter: Int64(counter),
            chunk: try SystemRandom.bytes(Packet.chunkSize), recipient: Recipient(sink.publicKey)
        ).encode()
        let signed = SignedMessage(message: message, signature: try signer.sign(message))
        frames += Frame.encode(try Envelope.seal(signed, to: sink.publicKey).bytes)
    }
    return Series(frames: frames, signer: Base64.encode(signer.publicKey.pkix))
}

let series = try await withThrowingTaskGroup(of: Series.self) { group in
    for _ in 0..<sources { group.addTask { try makeSeries() } }
    var all: [Series] = []
    for try await one in group { all.append(one) }
    return all
}
var packets = Data()
for number in [UInt32(sources), UInt32(count)] { withUnsafeBytes(of: number) { packets.append(contentsOf: $0) } }
for one in series { packets.append(contentsOf: one.frames) }
try packets.write(to: directory.appendingPathComponent("packets"))

// As an operator of a sink with so many sources at home would have it.
let million = 1_000_000
let configuration: [String: Any] = [
    "Address": "127.0.0.1:\(port)", "Private": Base64.encode(sink.copyBytes()), "Drift": 86400,
    // Not 0, which would be a counter that is not known: then packets from before the sink's start are refused.
    "Signer": series.map { ["Key": $0.signer, "Counter": -1] as [String: Any] },
    "Limits": ["Connections": 8192, "ConnectionsPerAddress": 1000, "PacketsPerMinute": million],
]
try JSONSerialization.data(withJSONObject: configuration, options: .prettyPrinted)
    .write(to: directory.appendingPathComponent("config.json"))

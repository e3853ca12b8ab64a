import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// A configuration with signers, and three keys.
class SignerBench {
    static let keys = Result { try (0..<3).map { _ in try SoftwareSigner(generating: .ecdsaP256).publicKey } }

    let directory: TemporaryDirectory
    let keys: [PublicKey]

    init() throws {
        directory = try TemporaryDirectory()
        keys = try SignerBench.keys.get()
    }

    var path: String { directory.file("config.json") }

    func text(_ key: PublicKey) -> String { Base64.encode(key.pkix) }

    /// Writes a configuration with this `Signer`, as JSON text, and these other members.
    func write(_ signer: String, _ more: String = "") throws {
        try directory.write(
            "config.json",
            """
            {"Address": ":0", "Signer": \(signer)\(more.isEmpty ? "" : ", \(more)"), "Note": "kept",
             "Private": "\(Base64.encode(Array(UInt8(1)...32)))", "Drift": 120}
            """)
    }

    func entry(_ key: PublicKey, _ counter: Int64?) -> String {
        "{\"Key\": \"\(text(key))\"\(counter.map { ", \"Counter\": \($0)" } ?? "")}"
    }

    func load() throws(StateError) -> SinkConfiguration { try SinkConfiguration(reading: path, warn: { _ in }) }

    /// The counters as the file says now, by JSONSerialization.
    func counters(_ name: String = "config.json") throws -> [String: Int64] {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read(name))) as? [String: Any]
        let object = try #require(parsed)
        guard let list = object["Signer"] as? [[String: Any]] else {
            return ["": (object["Counter"] as? NSNumber)?.int64Value ?? -1]
        }
        var counters: [String: Int64] = [:]
        for entry in list { counters[entry["Key"] as? String ?? ""] = (entry["Counter"] as? NSNumber)?.int64Value }
        return counters
    }
}

extension CounterFile {
    /// Stores one signer's counter alone, and says what became of it.
    @discardableResult
    func store(_ counter: Int64, for place: Int, of signers: [KnownSigner]) throws(StateError) -> Stored {
        var counters: [Int64?] = signers.map { _ in nil }
        counters[place] = counter
        return try store(counters, of: signers).stored[place]
    }
}

import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// Several signers, each with a counter of its own, in the configuration and in a file beside it.
@Suite struct SignerListTests {
    static let keys = Result { try (0..<3).map { _ in try SoftwareSigner(generating: .ecdsaP256).publicKey } }

    let directory: TemporaryDirectory
    let keys: [PublicKey]

    init() throws {
        directory = try TemporaryDirectory()
        keys = try SignerListTests.keys.get()
    }

    var path: String { directory.file("config.json") }

    func text(_ key: PublicKey) -> String { Base64.encode(key.pkix) }

    /// Writes a configuration with this `Signer`, as JSON text, and these other members.
    func write(_ signer: String, _ more: String = "") throws {
        try directory.write(
            "config.json",
            """
            {"Address": ":0", "Signer": \(signer)\(more.isEmpty ? "" : ", \(more)"), "Note": "kept",
             "Private": "\(Base64.encode([UInt8](repeating: 7, count: 32)))", "Drift": 120}
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

    @Test func eachSignerHasItsCounter() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], nil)), \(entry(keys[2], .max))]")
        let configuration = try load()
        #expect(configuration.signers.map { $0.counter } == [5, 0, .max])
        #expect(configuration.signers.map { $0.key.pkix } == keys.map { $0.pkix })
        try configuration.counterFile.store(1, for: configuration.signers[1])
        try configuration.counterFile.store(6, for: configuration.signers[0])
        #expect(try counters() == [text(keys[0]): 6, text(keys[1]): 1, text(keys[2]): .max])
        #expect(try directory.text("config.json").contains("kept"))
        let error = #expect(throws: StateError.self) {
            try configuration.counterFile.store(6, for: configuration.signers[0])
        }
        if case .counterNotAbove(6)? = error {} else { Issue.record("\(String(describing: error))") }
        #expect(try load().signers.map { $0.counter } == [6, 1, .max])
    }

    @Test func wrongListsAreNamed() throws {
        let one = entry(keys[0], 1)
        let many = (0..<17).map { _ in one }.joined(separator: ", ")
        for (signer, more, field) in [
            ("[]", "", "Signer"), ("[\(many)]", "", "Signer"), ("[\"\(text(keys[0]))\"]", "", "Signer, entry 1"),
            ("[\(one), {}]", "", "Signer, entry 2, Key"), ("[\(one), null]", "", "Signer, entry 2"),
            ("[\(one), \(one)]", "", "Signer, entry 2, Key"),
            ("[{\"Key\": \"AAAA\"}]", "", "Signer, entry 1, Key"),
            ("[{\"Key\": \"\(text(keys[0]))\", \"Counter\": 1.5}]", "", "Signer, entry 1, Counter"),
            ("[\(one)]", "\"Counter\": 5", "Counter"),
        ] {
            try write(signer, more)
            let before = try directory.snapshot()
            let error = #expect(throws: StateError.self) { try load() }
            if case .content(_, let place, _)? = error {
                #expect(place == field)
            } else {
                Issue.record("\(signer): \(error?.message ?? "no error")")
            }
            #expect(throws: StateError.self) { try SignerEditor(path).add(keys[2]) }
            #expect(try directory.snapshot() == before)
        }
    }

    @Test func aSignerIsAddedInPlace() throws {
        try write("\"\(text(keys[0]))\"", "\"Counter\": 41")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(try SignerEditor(path).add(keys[1]) == 2)
        #expect(try counters() == [text(keys[0]): 41, text(keys[1]): 0])
        #expect(try SignerEditor(path).add(keys[2]) == 3)
        #expect(try load().signers.map { $0.counter } == [41, 0, 0])
        #expect(try directory.mode("config.json") == 0o640)
        // Unknown members and their order stay; the old counter went with its key.
        let parsed = try directory.text("config.json")
        let places = ["Address", "Signer", "Note", "Private", "Drift"].map { parsed.range(of: "\"\($0)\"")?.lowerBound }
        #expect(places.allSatisfy { $0 != nil } && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        #expect(!parsed.contains("}\n\t],\n\t\"Counter\""))
        let before = try directory.snapshot()
        for key in keys { #expect(throws: StateError.self) { try SignerEditor(path).add(key) } }
        #expect(try directory.snapshot() == before)
    }

    @Test func aSignerIsRemovedInPlace() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 6))]")
        #expect(throws: StateError.self) { try SignerEditor(path).remove(keys[2]) }
        #expect(try SignerEditor(path).remove(keys[0]) == 1)
        #expect(try counters() == [text(keys[1]): 6])
        let before = try directory.snapshot()
        #expect(throws: StateError.self) { try SignerEditor(path).remove(keys[1]) }
        #expect(try directory.snapshot() == before)
        #expect(try load().signers.map { $0.counter } == [6])
    }

    /// A sink that runs while its configuration is edited finds its counter in its new place.
    @Test(arguments: [false, true]) func aRunningSinkGoesOn(_ beside: Bool) throws {
        try write("\"\(text(keys[0]))\"", "\"Counter\": 5" + (beside ? ", \"State\": \"state.json\"" : ""))
        let running = try load()
        try running.counterFile.claim(running.signers)
        try running.counterFile.store(6, for: running.signers[0])
        _ = try SignerEditor(path).add(keys[1])
        try running.counterFile.store(7, for: running.signers[0])
        #expect(try load().signers.map { $0.counter } == [7, 0])
        let restarted = try load()
        try restarted.counterFile.claim(restarted.signers)
        try restarted.counterFile.store(1, for: restarted.signers[1])
        try restarted.counterFile.store(8, for: restarted.signers[0])
        #expect(try load().signers.map { $0.counter } == [8, 1])
        #expect(throws: StateError.self) { try restarted.counterFile.store(8, for: restarted.signers[0]) }
    }

    @Test func aSignerThatIsGoneIsNotCounted() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 6))]")
        let running = try load()
        _ = try SignerEditor(path).remove(keys[0])
        let before = try directory.snapshot()
        let error = #expect(throws: StateError.self) { try running.counterFile.store(7, for: running.signers[0]) }
        if case .signerGone? = error {} else { Issue.record("\(String(describing: error))") }
        #expect(try directory.snapshot() == before)
        // Nor where one key took the place of another.
        try write("\"\(text(keys[0]))\"", "\"Counter\": 5")
        let single = try load()
        try write("\"\(text(keys[1]))\"", "\"Counter\": 0")
        #expect(throws: StateError.self) { try single.counterFile.store(6, for: single.signers[0]) }
        #expect(try counters() == ["": 0])
    }

    @Test func countersBesideTheConfigurationHaveTheirKeys() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], nil))]", "\"State\": \"state.json\"")
        let configuration = try load()
        try configuration.counterFile.claim(configuration.signers)
        #expect(try counters("state.json") == [text(keys[0]): 5, text(keys[1]): 0])
        let before = try directory.text("config.json")
        try configuration.counterFile.store(9, for: configuration.signers[1])
        #expect(try directory.text("config.json") == before)
        #expect(try load().signers.map { $0.counter } == [5, 9])
        // A third one has no place there yet.
        _ = try SignerEditor(path).add(keys[2])
        let three = try load()
        try three.counterFile.store(1, for: three.signers[2])
        #expect(try counters("state.json") == [text(keys[0]): 5, text(keys[1]): 9, text(keys[2]): 1])
        // Taken out and brought back it goes on where it was: what it sent before stays refused.
        _ = try SignerEditor(path).remove(keys[1])
        _ = try SignerEditor(path).add(keys[1])
        #expect(try load().signers.map { $0.counter } == [5, 1, 9])
    }

    @Test func aCounterThatNamesNoKeyIsNobodys() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], nil))]", "\"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 77}")
        let error = #expect(throws: StateError.self) { try load() }
        #expect(error?.message.contains("state.json: Counter: expected a list Signer") == true)
        // With one signer there is no doubt.
        try write("[\(entry(keys[0], 5))]", "\"State\": \"state.json\"")
        #expect(try load().signers.map { $0.counter } == [77])
    }

    /// The key may stand in the configuration in another form than in the file beside it.
    @Test func formsOfAKeyAreOneKey() throws {
        let rsa = try SoftwareSigner(generating: .rsa(bits: 2048)).publicKey
        // PKCS#1: what the BIT STRING of PKIX holds, after 24 bytes.
        let old = Base64.encode(Array(rsa.pkix.dropFirst(24)))
        try write("\"\(old)\"", "\"Counter\": 5, \"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 6}")
        _ = try SignerEditor(path).add(keys[0])
        #expect(try counters("state.json") == [text(rsa): 6])
        #expect(try load().signers.map { $0.counter } == [6, 0])
        #expect(throws: StateError.self) { try SignerEditor(path).add(rsa) }
    }
}

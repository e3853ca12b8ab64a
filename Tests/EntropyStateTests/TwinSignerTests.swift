import EntropyCrypto
import Foundation
import Support
import Testing

@testable import EntropyState

/// Files in which one key stands in several forms, as version 2.0 made them: one signer with the greatest counter.
@Suite(.enabled(if: haveTools("openssl"), "openssl is not installed")) final class TwinSignerTests: SignerBench {
    /// The key as openssl writes it with such a point, in base64.
    func form(_ key: PublicKey, _ point: String) throws -> String {
        try directory.write("canonical", key.pkix)
        let other = try run(
            [
                "openssl", "pkey", "-pubin", "-inform", "DER", "-in", "canonical", "-ec_conv_form", point, "-outform",
                "DER",
            ], in: directory.path)
        try directory.remove("canonical")
        return other.output.base64EncodedString()
    }

    func entry(_ text: String, _ counter: Int64, isRemoved: Bool = false) -> String {
        "{\"Key\": \"\(text)\", \"Counter\": \(counter)\(isRemoved ? ", \"Removed\": true" : "")}"
    }

    func remarks() throws -> [String] {
        var lines: [String] = []
        _ = try SinkConfiguration(reading: path) { lines.append($0) }
        // Beside other lines, about members for one.
        return lines.filter { $0.names("Signer") }
    }

    @Test func twinsAreOneSignerWithTheGreatestCounter() throws {
        let (compressed, hybrid) = (try form(keys[0], "compressed"), try form(keys[0], "hybrid"))
        #expect(Set([compressed, hybrid, text(keys[0])]).count == 3)
        let (other, twins) = (
            entry(keys[1], 3), [(compressed, 5), (hybrid, 9), (text(keys[0]), 7)] as [(String, Int64)]
        )
        for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
            let list = order.map { entry(twins[$0].0, twins[$0].1) } + [other]
            try write("[\(list.joined(separator: ", "))]")
            let configuration = try load()
            #expect(configuration.signers.map { $0.key.pkix } == [keys[0].pkix, keys[1].pkix])
            #expect(configuration.signers.map { $0.counter } == [9, 3])
            #expect(try remarks().count == 1)
            // No counter at or below the greatest one is ever stored.
            #expect(try configuration.counterFile.store([9, nil], of: configuration.signers).stored[0] == .notAbove(9))
            #expect(
                try configuration.counterFile.store([10, nil], of: configuration.signers).stored[0] == .done(before: 9))
            #expect(try load().signers.map { $0.counter } == [10, 3])
        }
        try write("[\(entry(keys[0], 5)), \(other)]")
        #expect(try remarks().isEmpty)
    }

    /// Whoever took a signer out meant the key, not its form.
    @Test func aRemovedTwinIsARemovedKey() throws {
        let compressed = try form(keys[0], "compressed")
        for twins in [
            [entry(compressed, 5, isRemoved: true), entry(keys[0], 9)],
            [entry(compressed, 9), entry(text(keys[0]), 5, isRemoved: true)],
        ] {
            try write("[\(twins.joined(separator: ", ")), \(entry(keys[1], 3))]")
            #expect(try load().signers.map { $0.key.pkix } == [keys[1].pkix])
            #expect(try remarks().count == 1)
            #expect(throws: StateError.self) { try SignerEditor(path).change(adding: nil, removing: keys[0]) }
            // Brought back by the editor it goes on where the greatest counter was.
            #expect(try SignerEditor(path).change(adding: keys[0], removing: nil) == 2)
            #expect(try load().signers.map { $0.counter } == [9, 3])
            #expect(try SignerEditor(path).change(adding: nil, removing: keys[0]) == 1)
            #expect(try load().signers.map { $0.key.pkix } == [keys[1].pkix])
        }
        // Fails closed where there is nobody else.
        try write("[\(entry(compressed, 5, isRemoved: true)), \(entry(keys[0], 9))]")
        #expect((#expect(throws: StateError.self) { try load() })?.exitCode == .badInput)
    }

    @Test func aFormOfAKeyThatIsThereIsNoNewSigner() throws {
        try write("\"\(text(keys[0]))\"", "\"Counter\": 5")
        let twin = try PublicKey(Array(Data(base64Encoded: form(keys[0], "compressed")) ?? Data()))
        let before = try directory.snapshot()
        #expect(throws: StateError.self) { try SignerEditor(path).change(adding: twin, removing: nil) }
        #expect(try directory.snapshot() == before)
        #expect(try SignerEditor(path).change(adding: keys[1], removing: twin) == 1)
        #expect(try load().signers.map { $0.key.pkix } == [keys[1].pkix])
    }

    /// The file beside the configuration, too.
    @Test func twinsOfCountersAreOneCounter() throws {
        let compressed = try form(keys[0], "compressed")
        for twins in [[entry(compressed, 5), entry(keys[0], 9)], [entry(compressed, 9), entry(keys[0], 5)]] {
            try write("\"\(compressed)\"", "\"Counter\": 2, \"State\": \"state.json\"")
            try directory.write("state.json", "{\"Signer\": [\(twins.joined(separator: ", "))]}")
            let configuration = try load()
            #expect(configuration.signers.map { $0.counter } == [9])
            #expect(try remarks().count == 1)
            try configuration.counterFile.claim(configuration.signers)
            #expect(try configuration.counterFile.store(9, for: 0, of: configuration.signers) == .notAbove(9))
            try configuration.counterFile.store(10, for: 0, of: configuration.signers)
            #expect(try load().signers.map { $0.counter } == [10])
        }
    }

    @Test func aSignerIsFoundByTheBeginningOfItsFingerprint() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 6)), \(entry(text(keys[2]), 7, isRemoved: true))]")
        let editor = SignerEditor(path)
        for key in keys {
            let fingerprint = key.fingerprint
            // As many digits as it takes.
            let others = keys.filter { $0.pkix != key.pkix }.map { $0.fingerprint }
            let count = try #require(
                (4...64).first { length in others.allSatisfy { !$0.hasPrefix(fingerprint.prefix(length)) } })
            for length in [count, 8, 63, 64] {
                #expect(try editor.find(String(fingerprint.prefix(length))).pkix == key.pkix)
                #expect(try editor.find(fingerprint.prefix(length).uppercased()).pkix == key.pkix)
            }
        }
        #expect(throws: StateError.self) { try editor.find("0000000000") }
        for text in ["", "abc", "abcg", "signer.pub", String(repeating: "0", count: 65)] {
            #expect(!SignerEditor.isFingerprint(text), "\(text)")
        }
        #expect(SignerEditor.isFingerprint("ab:CD"))
    }

    @Test func aBeginningOfSeveralFingerprintsIsNobodys() throws {
        // Four digits are 16 bits: some three hundred keys have two that begin alike.
        var found: [Substring: PublicKey] = [:]
        var pair: (PublicKey, PublicKey)?
        while pair == nil {
            let key = try SoftwareSigner(generating: .ecdsaP256).publicKey
            let prefix = key.fingerprint.prefix(4)
            if let other = found[prefix] { pair = (other, key) }
            found[prefix] = key
        }
        let (one, other) = try #require(pair)
        try write("[\(entry(one, 5)), \(entry(other, 6))]")
        let error = #expect(throws: StateError.self) { try SignerEditor(path).find(String(one.fingerprint.prefix(4))) }
        #expect(error?.message.contains(one.fingerprint) == true && error?.message.contains(other.fingerprint) == true)
    }
}

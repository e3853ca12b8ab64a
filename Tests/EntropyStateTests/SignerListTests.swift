import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// Several signers, each with a counter of its own, in the configuration and in a file beside it.
@Suite final class SignerListTests: SignerBench {
    @Test func eachSignerHasItsCounter() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 0)), \(entry(keys[2], .max))]")
        let configuration = try load()
        #expect(configuration.signers.map { $0.counter } == [5, 0, .max])
        #expect(configuration.signers.map { $0.key.pkix } == keys.map { $0.pkix })
        try configuration.counterFile.store(1, for: 1, of: configuration.signers)
        try configuration.counterFile.store(6, for: 0, of: configuration.signers)
        #expect(try counters() == [text(keys[0]): 6, text(keys[1]): 1, text(keys[2]): .max])
        #expect(try directory.text("config.json").contains("kept"))
        let again = try configuration.counterFile.store(6, for: 0, of: configuration.signers)
        #expect(again == .notAbove(6))
        // Several at once: one file is written, each signer is told of its own.
        #expect(
            try configuration.counterFile.store([9, 0, nil], of: configuration.signers).stored
                == [.done(before: 6), .notAbove(1), .notAbove(.max)])
        #expect(try load().signers.map { $0.counter } == [9, 1, .max])
    }

    @Test func wrongListsAreNamed() throws {
        let one = entry(keys[0], 1)
        let many = (0..<65).map { _ in one }.joined(separator: ", ")
        for (signer, more, field) in [
            ("[]", "", "Signer"), ("[\(many)]", "", "Signer"), ("[\"\(text(keys[0]))\"]", "", "Signer, entry 1"),
            ("[\(one), {}]", "", "Signer, entry 2, Key"), ("[\(one), null]", "", "Signer, entry 2"),
            ("[\(one), \(one)]", "", "Signer, entry 2, Key"),
            ("[{\"Key\": \"AAAA\"}]", "", "Signer, entry 1, Key"),
            ("[{\"Key\": \"\(text(keys[0]))\", \"Counter\": 1.5}]", "", "Signer, entry 1, Counter"),
            ("[\(entry(keys[0], nil))]", "", "Signer, entry 1, Counter"),
            ("[{\"Key\": \"\(text(keys[0]))\", \"Counter\": 1, \"Removed\": true}]", "", "Signer"),
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
            #expect(throws: StateError.self) { try SignerEditor(path).change(adding: keys[2], removing: nil) }
            #expect(try directory.snapshot() == before)
        }
    }

    @Test func aSignerThatIsGoneIsNotCounted() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 6))]")
        let running = try load()
        _ = try SignerEditor(path).change(adding: nil, removing: keys[0])
        let before = try directory.snapshot()
        #expect(try running.counterFile.store(7, for: 0, of: running.signers) == .signerGone)
        #expect(try directory.snapshot() == before)
        // Nor where one key took the place of another.
        try write("\"\(text(keys[0]))\"", "\"Counter\": 5")
        let single = try load()
        try write("\"\(text(keys[1]))\"", "\"Counter\": 0")
        #expect(try single.counterFile.store(6, for: 0, of: single.signers) == .signerGone)
        #expect(try counters() == ["": 0])
    }

    @Test func countersBesideTheConfigurationHaveTheirKeys() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 0))]", "\"State\": \"state.json\"")
        let configuration = try load()
        try configuration.counterFile.claim(configuration.signers)
        #expect(try counters("state.json") == [text(keys[0]): 5, text(keys[1]): 0])
        let before = try directory.text("config.json")
        try configuration.counterFile.store(9, for: 1, of: configuration.signers)
        #expect(try directory.text("config.json") == before)
        #expect(try load().signers.map { $0.counter } == [5, 9])
        // A third one has no place there until the sink starts with it.
        _ = try SignerEditor(path).change(adding: keys[2], removing: nil)
        let three = try load()
        try three.counterFile.claim(three.signers)
        #expect(try counters("state.json") == [text(keys[0]): 5, text(keys[1]): 9, text(keys[2]): 0])
        // Taken out and brought back it goes on where it was.
        _ = try SignerEditor(path).change(adding: nil, removing: keys[1])
        _ = try SignerEditor(path).change(adding: keys[1], removing: nil)
        #expect(try load().signers.map { $0.counter } == [5, 9, 0])
        // A file that is gone is made anew with all that the sink knows.
        var known = try load().signers
        try directory.remove("state.json")
        known[2].counter = 3
        #expect(try three.counterFile.store([nil, nil, 4], of: known).loss == .file)
        #expect(try counters("state.json") == [text(keys[0]): 5, text(keys[1]): 9, text(keys[2]): 4])
    }

    /// The file beside the configuration says whose its counter is: another key, written into the configuration by hand,
    /// does not inherit it.
    @Test func aKeyThatIsExchangedByHandBeginsAnew() throws {
        try write("\"\(text(keys[0]))\"", "\"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 6}")
        let first = try load()
        #expect(first.signers.map { $0.counter } == [6])
        try first.counterFile.claim(first.signers)
        try write("\"\(text(keys[1]))\"", "\"State\": \"state.json\"")
        let second = try load()
        #expect(second.signers.map { $0.counter } == [0])
        try second.counterFile.claim(second.signers)
        try second.counterFile.store(1, for: 0, of: second.signers)
        #expect(try counters("state.json") == [text(keys[0]): 6, text(keys[1]): 1])
        _ = try SignerEditor(path).change(adding: keys[0], removing: nil)
        #expect(try load().signers.map { $0.counter } == [1, 6])
    }

    @Test func aBadFileOfCountersIsRefused() throws {
        try write("\"\(text(keys[0]))\"", "\"State\": \"state.json\"")
        let (a, b) = (entry(keys[0], 5), entry(keys[0], 500))
        for text in [
            "{\"Signer\": [\(a), \(b)]}", "{\"Signer\": 5, \"Counter\": 9}", "{\"Signer\": {}, \"Counter\": 9}",
            "{\"Signer\": [], \"Counter\": 9}", "{\"Signer\": [5, null, \"x\"]}",
            "{\"Signer\": [\(a)], \"Counter\": 9}",
            "{\"Signer\": \"AAAA\", \"Counter\": 9}", "{\"Counter\": \"9\"}", "[]", "",
        ] {
            try directory.write("state.json", text)
            #expect(throws: StateError.self, "\(text)") { try load() }
            #expect(try directory.text("state.json") == text)
        }
    }

    @Test func theFileOfCountersIsAnotherFileAndOneFile() throws {
        for state in ["config.json", "./config.json", "link.json"] {
            try write("\"\(text(keys[0]))\"", "\"State\": \"\(state)\"")
            try? FileManager.default.createSymbolicLink(
                atPath: directory.file("link.json"), withDestinationPath: "config.json")
            let error = #expect(throws: StateError.self) { try load() }
            #expect(error?.field == "State", "\(error?.message ?? "")")
        }
        // Seen from the configuration itself, not from a link to it.
        try write("\"\(text(keys[0]))\"", "\"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 77}")
        let elsewhere = try TemporaryDirectory()
        try FileManager.default.createSymbolicLink(atPath: elsewhere.file("config.json"), withDestinationPath: path)
        let linked = try SinkConfiguration(reading: elsewhere.file("config.json"), warn: { _ in })
        #expect(linked.signers.map { $0.counter } == [77])
    }

    @Test func aCounterThatNamesNoKeyIsNobodys() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 0))]", "\"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 77}")
        let error = #expect(throws: StateError.self) { try load() }
        #expect(error?.field == "Counter", "\(error?.message ?? "")")
        // What it asks for helps.
        try directory.write("state.json", "{\"Counter\": 77, \"Signer\": \"\(text(keys[1]))\"}")
        #expect(try load().signers.map { $0.counter } == [5, 77])
        try directory.write("state.json", "{\"Counter\": 77}")
        // With one signer there is no doubt.
        try write("[\(entry(keys[0], 5))]", "\"State\": \"state.json\"")
        #expect(try load().signers.map { $0.counter } == [77])
    }

}

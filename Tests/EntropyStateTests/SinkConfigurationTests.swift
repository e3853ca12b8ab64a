import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

@Suite struct SinkConfigurationTests {
    static let signer = Result { try SoftwareSigner(generating: .rsa(bits: 2048)).publicKey }

    let directory: TemporaryDirectory
    var fields: [String: String]

    init() throws {
        directory = try TemporaryDirectory()
        let signer = try SinkConfigurationTests.signer.get()
        fields = [
            "Address": "\":4141\"", "Private": "\"\(Base64.encode(BoxPrivateKey().copyBytes()))\"",
            "Signer": "\"\(Base64.encode(signer.pkix))\"", "Drift": "120", "Counter": "5",
        ]
    }

    func write(_ changes: [String: String] = [:], without removed: [String] = [], mode: Int = 0o600) throws {
        var all = fields.merging(changes) { $1 }
        for name in removed { all[name] = nil }
        try directory.write(
            "config.json", "{" + all.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}", mode: mode)
    }

    func load(warn: (String) -> Void = { _ in }) throws(StateError) -> SinkConfiguration {
        try SinkConfiguration(reading: directory.file("config.json"), warn: warn)
    }

    @Test func everyFieldIsRead() throws {
        try write()
        let configuration = try load()
        #expect(configuration.endpoint.port == 4141)
        #expect(configuration.drift == 120)
        #expect(configuration.signers.first?.counter == 5)
        #expect(!configuration.requiresRecipient)
        #expect(configuration.signers.first?.key.pkix == (try SinkConfigurationTests.signer.get()).pkix)
    }

    /// Editors of another system begin a file with such a mark.
    @Test func aByteOrderMarkIsPassedOver() throws {
        try write()
        try directory.write("config.json", [0xef, 0xbb, 0xbf] + directory.read("config.json"))
        #expect(try load().signers.first?.counter == 5)
        try directory.write("targets.json", [0xef, 0xbb, 0xbf] + Array("[]".utf8))
        #expect(try TargetList(directory.file("targets.json")).load().isEmpty)
        for mark in [[0xff, 0xfe], [0xfe, 0xff], [0xef, 0xbb], [0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf]] as [[UInt8]] {
            try directory.write("targets.json", mark + Array("[]".utf8))
            #expect(throws: StateError.self, "\(mark)") { try TargetList(directory.file("targets.json")).load() }
        }
    }

    @Test func theMaximumAgeIsADayUnlessAnotherIsNamed() throws {
        try write()
        #expect(try load().maximumAge == 86400)
        for age in [0, 1, 9_223_372_036_854_775_807] as [Int64] {
            try write(["MaximumAge": "\(age)"])
            #expect(try load().maximumAge == age)
        }
    }

    /// As far as a source lets a sink move its own.
    @Test func aCounterMayBe2To40Ahead() throws {
        try write()
        #expect(try load().counterJump == 1 << 40)
        try write(["CounterJump": "9223372036854775807"])
        #expect(try load().counterJump == .max)
    }

    @Test func aCounterThatNoFileHasIsNotKnown() throws {
        try write()
        #expect(try load().signers.map { $0.isCounterKnown } == [true])
        try write(without: ["Counter"])
        #expect(try load().signers.map { $0.isCounterKnown } == [false])
        // One that the configuration has may be years old where there is another file for them.
        try write(["State": "\"state.json\""])
        #expect(try load().signers.map { $0.isCounterKnown } == [false])
        for (state, isKnown) in [("{}", false), ("{\"Counter\": 6}", true)] {
            try directory.write("state.json", state)
            #expect(try load().signers.map { $0.isCounterKnown } == [isKnown])
        }
    }

    @Test func counterAndDriftMayBeMissing() throws {
        try write(without: ["Counter", "Drift"])
        let configuration = try load()
        #expect(configuration.signers.first?.counter == 0)
        #expect(configuration.drift == 0)
    }

    @Test(arguments: [
        ("Address", "\"\""), ("Address", "\"host\""), ("Address", "\":65536\""), ("Address", "7"), ("Drift", "-1"),
        ("Drift", "\"120\""), ("Drift", "9223372036854775808"), ("Counter", "1.5"), ("Private", "\"AAAA\""),
        ("Private", "\"%\""),
        ("Private", "7"), ("Signer", "\"AAAA\""), ("Signer", "\"\""), ("Signer", "[]"), ("RequireRecipient", "1"),
        ("Limits", "7"), ("Credit", "-1"), ("Credit", "257"), ("Credit", "true"),
        ("MaximumAge", "-1"), ("MaximumAge", "\"1d\""), ("MaximumAge", "1.5"), ("MaximumAge", "9223372036854775808"),
        ("CounterJump", "0"), ("CounterJump", "-1"), ("CounterJump", "true"),
        ("State", "\"\""),
        ("State", "7"),
    ])
    func aBadFieldIsNamed(_ field: String, _ value: String) throws {
        try write([field: value])
        let before = try directory.snapshot()
        let error = #expect(throws: StateError.self) { try load() }
        #expect(error?.exitCode == .badInput)
        if case .content(let file, let place, _) = error {
            #expect(file == directory.file("config.json"))
            #expect(place == field)
        } else {
            Issue.record("\(field): \(error?.message ?? "no error")")
        }
        #expect(try directory.snapshot() == before)
    }

    @Test(arguments: ["Address", "Signer"]) func aMissingFieldIsNamed(_ field: String) throws {
        try write(without: [field])
        let error = #expect(throws: StateError.self) { try load() }
        #expect(error?.field == field, "\(error?.message ?? "")")
    }

    @Test func othersThatMayReadTheKeyAreNamed() throws {
        var warnings: [String] = []
        try write(mode: 0o644)
        _ = try load { warnings.append($0) }
        #expect(warnings.count == 1 && warnings.first?.contains("0644") == true)
        #expect(try directory.mode("config.json") == 0o644)
        try write(mode: 0o600)
        _ = try load { warnings.append($0) }
        #expect(warnings.count == 1)
    }

    @Test func theCounterIsStoredBesideEdits() throws {
        try write()
        let configuration = try load()
        try write(["Drift": "60", "Note": "\"kept\""])
        try configuration.counterFile.store(.max, for: 0, of: configuration.signers)
        let again = try load()
        #expect(again.signers.first?.counter == .max)
        #expect(again.drift == 60)
        #expect(try directory.text("config.json").contains("kept"))
    }

    @Test func theCounterMayHaveAFileOfItsOwn() throws {
        try write(["State": "\"state.json\""])
        let before = try directory.text("config.json")
        let configuration = try load()
        #expect(configuration.signers.first?.counter == 5)
        try configuration.counterFile.store(1 << 32, for: 0, of: configuration.signers)
        #expect(try directory.text("config.json") == before)
        let signer = Base64.encode(try SinkConfigurationTests.signer.get().pkix)
        #expect(
            try directory.text("state.json").replacingOccurrences(of: "\\/", with: "/")
                == "{\n\t\"Counter\": 4294967296,\n\t\"Signer\": \"\(signer)\"\n}\n")
        #expect(try directory.mode("state.json") == 0o600)
        #expect(try load().signers.first?.counter == 1 << 32)
        // The greater one holds: an old state file opens no door to a replay.
        try write(["State": "\"state.json\"", "Counter": "9223372036854775807"])
        #expect(try load().signers.first?.counter == .max)
        try directory.write("state.json", "[]")
        #expect(throws: StateError.self) { try load() }
    }

    /// As the original reads it: its JSON library takes a name for a field's whatever the case of its letters, and the last of
    /// several (encoding/json, "Unmarshal").
    @Test func namesAreReadAsTheOriginalReadsThem() throws {
        try write(["drift": "60", "COUNTER": "7", "address": "\":1\""], without: ["Drift", "Counter", "Address"])
        let configuration = try load()
        #expect(configuration.drift == 60 && configuration.endpoint.port == 1)
        #expect(configuration.signers.map { $0.counter } == [7])
        // The next one stands in the same place.
        try configuration.counterFile.store(8, for: 0, of: configuration.signers)
        #expect(try load().signers.map { $0.counter } == [8])
        #expect(try directory.text("config.json").contains("\"COUNTER\": 8"))
        #expect(try !directory.text("config.json").contains("\"Counter\""))
        let base = "\"Address\": \":0\", \"Signer\": \(fields["Signer"] ?? "")"
        for (members, drift, counter, doubles) in [
            ("\"Drift\": 1, \"Drift\": 2, \"Counter\": 4", 2, 4, ["Drift"]),
            ("\"Counter\": 9, \"drift\": 2, \"counter\": 3, \"Drift\": 5", 5, 3, ["counter", "Drift"]),
            ("\"Drift\": 1, \"drift\": null, \"Counter\": 4", 1, 4, ["drift"]),
        ] as [(String, Int64, Int64, [String])] {
            let text = "{\(base), \(members)}"
            #expect(JSONLexicon.doubles(in: Array(text.utf8)).map { $0.name } == doubles)
            try directory.write("config.json", text)
            var warnings: [String] = []
            let configuration = try load { warnings.append($0) }
            #expect(warnings.count == doubles.count)
            #expect(configuration.drift == drift && configuration.signers.map { $0.counter } == [counter])
            try configuration.counterFile.store(10, for: 0, of: configuration.signers)
            #expect(try load().signers.map { $0.counter } == [10])
        }
    }

    @Test func doublesAreThoseOfOneObject() {
        for (text, names) in [
            ("{}", []), ("{\"a\": {\"a\": [{\"a\": 1}, {\"a\": \"a\"}]}}", []), ("[\"a\", \"a\"]", []),
            ("{\"a\": {\"b\": 1, \"B\": 2}, \"A\" : 1}", ["B", "A"]),
            ("{\"a\\\"\": 1, \"a\": 2, \"a\\\"\": 3}", ["a\\\""]),
        ] as [(String, [String])] {
            #expect(JSONLexicon.doubles(in: Array(text.utf8)).map { $0.name } == names, "\(text)")
        }
        #expect(JSONLexicon.doubles(in: Array("{\n\"a\": 1,\n\"a\": 2}".utf8)).map { $0.line } == [3])
    }

    @Test func whatHasNoMeaningIsNamed() throws {
        for (changes, field, nearest) in [
            (["MaxAge": "5"], "MaxAge", "MaximumAge"), (["Drfit": "5"], "Drfit", "Drift"),
            (["Note": "\"\""], "Note", nil), (["Limits": "{\"Conections\": 5}"], "Limits, Conections", "Connections"),
        ] as [([String: String], String, String?)] {
            try write(changes)
            var warnings: [String] = []
            _ = try load { warnings.append($0) }
            #expect(warnings.count == 1)
            let line = warnings.first ?? ""
            #expect(line.hasPrefix("\(directory.file("config.json")): \(field): "))
            let named = ["MaximumAge", "Drift", "Connections"].filter { line.names($0) }
            #expect(named == (nearest.map { [$0] } ?? []), "\(line)")
        }
        for drift in ["0", nil] {
            try write(drift.map { ["Drift": $0] } ?? [:], without: drift == nil ? ["Drift"] : [])
            var warnings: [String] = []
            _ = try load { warnings.append($0) }
            #expect(warnings.count == 1 && warnings.first?.names("Drift") == true, "\(warnings)")
        }
    }

    /// A key that is not base64 is none; it is written back all the same.
    @Test(arguments: ["", "AAAA", "a\\\"b\\u0001\u{e9}/+="]) func thePrivateKeyIsWrittenBackAsItWas(_ text: String)
        throws
    {
        for order in ["\"Private\": \"\(text)\", \"Counter\": 5", "\"Counter\": 5, \"private\": \"\(text)\""] {
            let given = "{\(order), \"Other\": {\"Private\": \"x\"}}"
            let document = try JSONDocument(parsing: Array(given.utf8), file: "config.json")
            document.value.set("Counter", 6)
            let written = document.encode()
            let wanted = given.replacingOccurrences(of: "5", with: "6")
            #expect(
                try JSONSerialization.jsonObject(with: Data(written)) as? NSDictionary
                    == JSONSerialization.jsonObject(with: Data(wanted.utf8)) as? NSDictionary)
            #expect(document.encode() == written)
        }
    }

    @Test func aConfigurationThatIsGoneIsNotMadeAnew() throws {
        try write()
        let configuration = try load()
        try FileManager.default.removeItem(atPath: directory.file("config.json"))
        #expect(throws: StateError.self) { try configuration.counterFile.store(6, for: 0, of: configuration.signers) }
        #expect(try directory.snapshot().isEmpty)
    }

    @Test func limitsHaveDefaultsAndBounds() throws {
        try write()
        #expect(try load().limits == .standard)
        try write(["Limits": "{\"Connections\": 7, \"SecondsPerPacket\": 5}"])
        #expect(
            try load().limits
                == SinkLimits(connections: 7, connectionsPerAddress: 32, secondsPerPacket: 5, packetsPerMinute: 600))
        for (field, value) in [
            ("Connections", "0"), ("Connections", "1000001"), ("ConnectionsPerAddress", "-1"),
            ("SecondsPerPacket", "3601"),
            ("PacketsPerMinute", "\"1\""), ("PacketsPerMinute", "9223372036854775807"),
        ] {
            try write(["Limits": "{\"\(field)\": \(value)}"])
            let error = #expect(throws: StateError.self) { try load() }
            #expect(error?.field == "Limits, \(field)", "\(error?.message ?? "")")
        }
    }
}

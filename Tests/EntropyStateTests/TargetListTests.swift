import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

@Suite struct TargetListTests {
    let directory: TemporaryDirectory
    let list: TargetList
    let key = Base64.encode(BoxPrivateKey().publicKey.bytes)

    init() throws {
        directory = try TemporaryDirectory()
        list = TargetList(directory.file("targets.json"))
    }

    func entry(_ rest: String = "", address: String = "host:1") -> String {
        "{\"Address\": \"\(address)\", \"Public\": \"\(key)\"\(rest)}"
    }

    func write(_ text: String) throws { try directory.write("targets.json", text) }

    /// The number of the next packet; nil where the entry is gone.
    func number(_ target: Target) throws -> Int64? {
        guard case .counter(let number) = try list.number([target])[0] else { return nil }
        return number
    }

    /// The members that are named, in their order.
    @Test func whatIsHardlyMeantIsNamed() throws {
        for (rest, names) in [
            (", \"Counter\": 1, \"next\": 2, \"Receipts\": false", []), (", \"Nxet\": 5", ["Nxet"]),
            (", \"Counter\": 1, \"counter\": 2", ["counter"]),
            (", \"Note\": \"x\", \"Public\": \"\(key)\"", ["Public", "Note"]),
        ] {
            try write("[\(entry(rest))]")
            let lines = try list.remarks()
            #expect(lines.count == names.count)
            for (line, name) in zip(lines, names) { #expect(line.contains("\(name): "), "\(line)") }
        }
        try write("[\((0..<30).map { entry(", \"Note\": 1", address: "host:\($0 + 1)") }.joined(separator: ","))]")
        #expect(try list.remarks().count == 10)
    }

    @Test func numbersAreReadAtTheBorders() throws {
        for number in [Int64.min, -1 << 31, -1, 0, 1 << 31 - 1, 1 << 31, 1 << 32, .max - 1, .max] {
            try write("[\(entry(", \"Counter\": \(number), \"Next\": \(number)"))]")
            let target = try #require(try list.load().first)
            #expect(target.counter == number)
            #expect(target.next == number)
            guard number < .max else {
                let before = try directory.text("targets.json")
                #expect(try list.number([target]) == [.exhausted])
                #expect(try directory.text("targets.json") == before)
                continue
            }
            #expect(try list.number([target]) == [.counter(number + 1)])
            #expect(try list.load().first?.counter == number + 1)
        }
    }

    @Test func whatWeDoNotKnowIsKept() throws {
        let text =
            "[\n\t{\n\t\t\"Note\": \"a/b é\",\n\t\t\"Address\": \"host:1\",\n\t\t\"Big\": 9007199254740993,\n\t\t\"Real\": 1.50,\n"
            + "\t\t\"Public\": \"\(key)\",\n\t\t\"Nested\": {\n\t\t\t\"x\": [\n\t\t\t\tnull,\n\t\t\t\ttrue\n\t\t\t]\n\t\t},\n"
            + "\t\t\"Counter\": 6\n\t}\n]\n"
        try write(text)
        _ = try list.number([try #require(try list.load().first)])
        #expect(
            try directory.text("targets.json")
                == text.replacingOccurrences(of: "\"Counter\": 6", with: "\"Counter\": 7"))
    }

    @Test func theLayoutIsTheOriginals() throws {
        try list.append(
            Target(
                address: "host:1", endpoint: try Endpoint.parse("host:1", for: .connecting).get(),
                publicKey: try BoxPublicKey(try #require(Base64.decode(key))), counter: 5, next: 7))
        // Go's json.Indent with a tab; the final newline is ours.
        let expected =
            "[\n\t{\n\t\t\"Address\": \"host:1\",\n\t\t\"Public\": \"\(key)\",\n\t\t\"Counter\": 5,\n\t\t\"Next\": 7\n\t}\n]\n"
        #expect(try directory.text("targets.json") == expected)
        #expect(try directory.mode("targets.json") == 0o600)
    }

    @Test(arguments: [
        "", " ", "nonsense", "{}", "7", "null", "[", "[{}]", "[7]", "[null]", "[[]]", "[{\"Address\": 7}]", "[] []",
        "[],",
        "[{\"Address\": \"host:1\"}]", "['x']", "[NaN]", "\u{feff}\u{feff}[]",
        "[{\"Address\": \"host:1\", \"Public\": \"AAAA\"}]",
        "[{\"Address\": \"host:1\", \"Public\": \"****\"}]", "[{\"Address\": \"host:1\", \"Public\": 5}]",
    ])
    func whatIsNoListIsRefused(_ text: String) throws {
        try write(text)
        let error = #expect(throws: StateError.self) { try list.load() }
        #expect(error?.exitCode == .badInput)
        #expect(error?.message.hasPrefix(list.path) == true)
        #expect(try directory.text("targets.json") == text)
    }

    @Test(arguments: [
        "\"7\"", "1.5", "1e3", "true", "[]", "{}", "9223372036854775808", "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616", "99999999999999999999999999", "07", "+7", "0x7",
    ])
    func whatIsNo64BitIntegerIsRefused(_ number: String) throws {
        for field in ["Counter", "Next"] {
            try write("[\(entry()), \(entry(", \"\(field)\": \(number)", address: "other:1"))]")
            let error = #expect(throws: StateError.self) { try list.load() }
            #expect(error?.exitCode == .badInput)
            if case .content(_, let place, _) = error { #expect(place == "entry 2, \(field)") }
        }
    }

    @Test(arguments: [
        "18446744073709551616", "-9223372036854775809", "{\"x\": [1, 99999999999999999999]}", "'x'", "NaN", "Infinity",
        "-Infinity", "\"a\\u0000b\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83dx\"", "\"\\ud837\\ude00\"",
    ])
    func whatWouldChangeOnTheWayIsRefusedUnderUnknownKeysToo(_ value: String) throws {
        try write("[\(entry(", \"Note\": \(value)"))]")
        #expect((#expect(throws: StateError.self) { try list.load() })?.exitCode == .badInput)
    }

    @Test(arguments: [
        "-12345678901234567890.5", "18446744073709551615", "1e400", "\"it's NaN -99999999999999999999\"", "\"\\\\\"",
        "\"\u{1de00}\"",
    ])
    func whatStaysAsItIsIsKept(_ value: String) throws {
        try write("[\(entry(", \"Note\": \(value)"))]")
        _ = try list.number([try #require(try list.load().first)])
        #expect(try directory.text("targets.json").contains("\"Note\": \(value)"))
    }

    @Test(arguments: ["-.5", "-", "1.", "-01", "1e", "1e+", "0x1", "\"a\u{13}b\"", "\"a\nb\""])
    func whatIsNoJSONIsRefusedUnderUnknownKeysToo(_ value: String) throws {
        try write("[\(entry(", \"Note\": \(value)"))]")
        #expect((#expect(throws: StateError.self) { try list.load() })?.exitCode == .badInput)
    }

    @Test(
        arguments: [
            [0x80], [0xc3], [0xc0, 0x80], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80],
        ] as [[UInt8]])
    func whatIsNotUTF8IsRefused(_ bytes: [UInt8]) throws {
        let text = entry(", \"Note\": \"*\"").utf8.split(separator: UInt8(ascii: "*"))
        try directory.write("targets.json", [0x5b] + text[0] + bytes + text[1] + [0x5d])
        let error = #expect(throws: StateError.self) { try list.load() }
        #expect(error?.exitCode == .badInput)
    }

    @Test func nullIsAsIfItWereMissing() throws {
        try write("[\(entry(", \"Counter\": null, \"Next\": null"))]")
        #expect(try list.load().first?.counter == 0)
    }

    @Test func twoEntriesDoNotShareACounter() throws {
        try write("[\(entry()), \(entry())]")
        #expect(throws: StateError.self) { try list.load() }
        try write("[\(entry())]")
        let target = try #require(try list.load().first)
        #expect(throws: StateError.self) { try list.append(target) }
    }

    @Test func anOperatorsEditsSurvive() throws {
        try write("[\(entry()), \(entry(", \"Counter\": 3", address: "other:1"))]")
        let targets = try list.load()
        // Meanwhile someone removes the first entry, changes the second one and adds a third.
        try write("[\(entry(", \"Counter\": 40", address: "other:1")), \(entry(address: "new:1"))]")
        #expect(try list.number(targets) == [.gone, .counter(41)])
        try list.write([.next(9, of: targets[0]), .next(9, of: targets[1])])
        let now = try list.load()
        #expect(now.map(\.address) == ["other:1", "new:1"])
        #expect(now.map(\.counter) == [41, 0])
        #expect(now.map(\.next) == [9, 0])
        // The time of the next packet too, when someone changed it during the delivery.
        try list.write([.next(10, of: targets[1])])
        #expect(try list.load().map(\.next) == [9, 0])
    }

    @Test func aCounterIsOnlyMovedForward() throws {
        try write("[\(entry(", \"Counter\": 5"))]")
        let target = try #require(try list.load().first)
        try list.write([.counter(4, of: target)])
        #expect(try list.load().first?.counter == 5)
        try list.write([.counter(.max, of: target)])
        #expect(try list.load().first?.counter == .max)
    }

    @Test func notesAndNumbersAreWrittenInOneStep() throws {
        try write("[\(entry(", \"Counter\": 3, \"Next\": 5")), \(entry(address: "other:1"))]")
        let targets = try list.load()
        var version = KnownVersion()
        let numbers = try list.number(
            targets, noting: [.next(9, of: targets[0]), .counter(40, of: targets[0]), .next(8, of: targets[1])],
            knowing: &version, given: { $0.counter == 0 ? 6 : nil })
        #expect(numbers == [.counter(41), .counter(7)])
        #expect(try list.load().map(\.counter) == [41, 7])
        #expect(try list.load().map(\.next) == [9, 8])
    }

    /// A number that was counted and not given is still good, unless somebody has counted since.
    @Test func aReservedNumberIsGivenWhileItStandsInTheList() throws {
        try write("[\(entry(", \"Counter\": 5"))]")
        let target = try #require(try list.load().first)
        var version = KnownVersion()
        let before = try directory.read("targets.json")
        for (reserved, number) in [(5, 5), (4, 6), (9, 7)] as [(Int64, Int64)] {
            #expect(
                try list.number([target], knowing: &version, given: { _ in nil }, reserved: { _ in reserved })
                    == [.counter(number)])
            #expect(try (directory.read("targets.json") == before) == (number == 5))
        }
    }

    @Test func itIsKnownWhoWroteTheListLast() throws {
        try write("[\(entry())]")
        let target = try #require(try list.load().first)
        var version = KnownVersion()
        #expect(!list.isCurrent(version))
        _ = try list.number([target], knowing: &version, given: { _ in nil })
        #expect(list.isCurrent(version) && !version.wasCurrent)
        try list.claim(knowing: &version)
        try list.write([.next(7, of: target)], knowing: &version)
        // Nothing to change: nothing is written, and what was read is known.
        try list.write([.next(7, of: target)], knowing: &version)
        #expect(list.isCurrent(version) && version.wasCurrent)
        let text = try directory.text("targets.json")
        // As an editor does it: another file, and the same one with other bytes.
        try Data(text.utf8).write(to: URL(fileURLWithPath: list.path), options: .atomic)
        #expect(!list.isCurrent(version))
        try list.claim(knowing: &version)
        #expect(list.isCurrent(version) && !version.wasCurrent)
        // The kernel's clock for files has steps: until the time is another one.
        func changed() throws -> Date? {
            try FileManager.default.attributesOfItem(atPath: list.path)[.modificationDate] as? Date
        }
        let before = try changed()
        let isChanged = try eventually {
            try Data(text.replacing("Next", with: "next").utf8).write(to: URL(fileURLWithPath: list.path))
            return try changed() != before
        }
        #expect(isChanged)
        #expect(!list.isCurrent(version))
        try directory.remove("targets.json")
        #expect(!list.isCurrent(version))
    }

    @Test func noNumberIsGivenTwice() async throws {
        try write("[\(entry())]")
        let target = try #require(try list.load().first)
        let numbers = try await withThrowingTaskGroup(of: [Int64].self) { group in
            for _ in 0..<4 { group.addTask { try (0..<25).map { _ in try number(target) ?? -1 } } }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(numbers.sorted() == Array(1...100))
    }

    @Test func modeAndOwnerAreKept() throws {
        try directory.write("targets.json", "[\(entry())]", mode: 0o640)
        if getuid() == 0 { #expect(chown(list.path, 65534, 65534) == 0) }
        _ = try list.number([try #require(try list.load().first)])
        #expect(try directory.mode("targets.json") == 0o640)
        let owner = try FileManager.default.attributesOfItem(atPath: list.path)[.ownerAccountID] as? NSNumber
        if getuid() == 0 { #expect(owner == 65534) }
    }

    @Test func aLinkStaysALink() throws {
        try directory.write("real.json", "[\(entry())]")
        try FileManager.default.createSymbolicLink(atPath: list.path, withDestinationPath: "real.json")
        _ = try list.number([try #require(try list.load().first)])
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: list.path) == "real.json")
        #expect(try directory.text("real.json").contains("\"Counter\": 1"))
    }

    @Test func whatAKilledProgramLeftDoesNotHinder() throws {
        try write("[\(entry())]")
        try directory.write(".targets.json.new", "half")
        _ = try list.number([try #require(try list.load().first)])
        #expect(try directory.snapshot().keys.sorted() == ["targets.json"])
    }
}

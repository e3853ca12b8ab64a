import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// What a sink writes of itself, and what is made of it.
@Suite struct SinkReportTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    static let none = [Int64](repeating: 0, count: SinkReport.Refusal.allCases.count)

    func signer(
        _ digit: String, counter: Int64 = 12, mixed: Int64 = 3, lastMixed: Int64? = 1000, refused: [Int64] = none
    ) -> SinkReport.Signer {
        SinkReport.Signer(
            fingerprint: String(repeating: digit, count: 64), counter: counter, mixed: mixed, lastMixed: lastMixed,
            refused: refused)
    }

    func report(_ signers: [SinkReport.Signer], maximumAge: Int64 = 86400) -> SinkReport {
        SinkReport(started: 500, written: 1200, maximumAge: maximumAge, signers: signers)
    }

    @Test func aSignerHasOneLineAsOldAsItIsNow() {
        let report = report([
            signer("c"), signer("6", counter: -5, mixed: 0, lastMixed: nil, refused: [0, 0, 1200, 0, 1, 0]),
        ])
        let lines = report.lines(now: 22612, isRunning: true)
        #expect(lines[0].names("22112") && lines[0].names("21412"), "\(lines)")
        #expect(
            lines[1...] == [
                "signer    counter  mixed  age    refused",
                "cccccccc  12       3      21612  -",
                "66666666  -5       0      never  Counter 1200, Chunk 1",
            ])
        let later = report.lines(now: 87400, isRunning: false)
        #expect(later[0].names("86200"), "\(later)")
        #expect(
            later[1...2] == [
                "signer    counter  mixed  age                 refused",
                "cccccccc  12       3      86400, above 86400  -",
            ])
        // Whether it runs is told in three ways, since it may be unknown.
        #expect(Set([true, false, nil].map { report.lines(now: 1200, isRunning: $0).first }).count == 3)
    }

    @Test func whoNeverCameIsAboveTheAgeInTheEnd() {
        let report = report([signer("6", counter: 0, mixed: 0, lastMixed: nil)], maximumAge: 800)
        #expect(report.lines(now: 1299, isRunning: true)[2] == "66666666  0        0      never  -")
        #expect(report.lines(now: 1300, isRunning: true)[2] == "66666666  0        0      never, above 800  -")
    }

    /// It was set back, and the sink has written since.
    @Test func aPacketOfTheFutureIsSaid() {
        // By a line more than there is otherwise.
        func lines(_ lastMixed: Int64) -> [String] {
            report([signer("c", lastMixed: lastMixed)]).lines(now: 1400, isRunning: true)
        }
        #expect(lines(1399).count == 3 && lines(5000).count == 4)
    }

    @Test func aClockThatWasSetBackIsSaid() {
        let lines = report([signer("c")]).lines(now: 900, isRunning: true)
        #expect(lines[0].names("400") && lines[0].names("-300") && lines.count == 4, "\(lines)")
        #expect(lines[3] == "cccccccc  12       3      -100  -")
        // No time traps.
        for time in [.min, .max] as [Int64] {
            let extreme = SinkReport(
                started: time, written: time, maximumAge: .max, signers: [signer("a", lastMixed: time)])
            for now in [.min, 0, .max] as [Int64] { #expect(extreme.lines(now: now, isRunning: true).count >= 3) }
        }
    }

    /// As many as there can be, in a file that version 2.0 reads as well, which looks at 64 KB.
    @Test func theSourcesAreForTheSinkAlone() throws {
        var report = report((0..<64).map { _ in signer("c", counter: .max, refused: [0, 0, 1200, 0, 0, 0]) })
        report.sources = (0..<1024).map {
            SinkReport.Source(
                network: "ffff:ffff:ffff:\(String(0xf000 + $0, radix: 16))::/64", lastTaken: 1_800_000_000)
        }
        let bytes = report.encode()
        #expect(bytes.count < 65536)
        #expect(try SinkReport(decoding: bytes, file: "status.json") == report)
        let shown = report.encode(now: 2000, isRunning: true)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(shown)) as? [String: Any])
        #expect(object["Sources"] == nil)
    }

    /// A line that was damaged costs the others nothing.
    @Test func aSourceThatIsNoneIsPassedOver() throws {
        let text = """
            {"Started": 1, "Written": 2, "Signers": [], "Sources": ["192.0.2.7 5", 7, "192.0.2.8", "x 5", "192.0.2.9 y", "",
            "192.0.2.10 99999999999999999999", "2001:db8:0:1::/64 -6"]}
            """
        let report = try SinkReport(decoding: Array(text.utf8), file: "status.json")
        #expect(report.sources.map { $0.network } == ["192.0.2.7", "2001:db8:0:1::/64"])
        #expect(report.sources.map { $0.lastTaken } == [5, -6])
    }

    @Test func itIsReadAsItIsWritten() throws {
        let report = report([
            signer("0"), signer("f", counter: .max, mixed: .max, lastMixed: nil, refused: [1, 2, 3, 4, 5, .max]),
        ])
        let file = SinkReportFile(directory.file("status.json"))
        try file.write(report)
        #expect(try file.read() == report)
        #expect(try directory.mode("status.json") == 0o600)
        let shown = report.encode(now: 2000, isRunning: true)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(shown)) as? [String: Any])
        #expect(object["Running"] as? Bool == true && object["Now"] as? Int == 2000)
        #expect(object["Started"] as? Int == 500 && object["Written"] as? Int == 1200)
        let signers = try #require(object["Signers"] as? [[String: Any]])
        #expect(signers[0]["Age"] as? Int == 1000 && signers[0]["LastMixed"] as? Int == 1000)
        #expect(signers[1]["Age"] == nil && signers[1]["LastMixed"] == nil)
        #expect((signers[1]["Refused"] as? [String: Any])?["Drift"] as? Int == 2)
        #expect(!String(decoding: report.encode(now: 2000, isRunning: nil), as: UTF8.self).contains("Running"))
    }

    static let fingerprint = String(repeating: "a", count: 64)

    static func text(_ signer: String) -> String {
        "{\"Started\": 1, \"Written\": 1, \"MaximumAge\": 0, \"Signers\": [\(signer)]}"
    }

    @Test(arguments: [
        "", "[]", "{}", "nonsense", "{\"Started\": 1, \"Written\": 1, \"Signers\": 7}",
        "{\"Started\": 1, \"Written\": 1, \"MaximumAge\": -1, \"Signers\": []}",
        "{\"Started\": \"1\", \"Written\": 1, \"Signers\": []}", text("7"), text("{}"),
        text("{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"Mixed\": 1}"),
        text("{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"Mixed\": 1, \"Refused\": 1}"),
        text("{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"Mixed\": -1, \"Refused\": {}}"),
        text("{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"Refused\": {\"Chunk\": -1}}"),
        text("{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"LastMixed\": \"never\", \"Refused\": {}}"),
        text("{\"Fingerprint\": \"\(fingerprint.uppercased())\", \"Counter\": 1, \"Refused\": {}}"),
        text("{\"Fingerprint\": \"\\u001b[2J\(fingerprint.dropFirst(4))\", \"Counter\": 1, \"Refused\": {}}"),
        text("{\"Fingerprint\": \"\(fingerprint)a\", \"Counter\": 1, \"Refused\": {}}"),
        text(
            (0..<65).map { _ in "{\"Fingerprint\": \"\(fingerprint)\", \"Counter\": 1, \"Refused\": {}}" }.joined(
                separator: ",")),
    ])
    func aBadFileIsNamed(_ text: String) throws {
        try directory.write("status.json", text)
        let error = #expect(throws: StateError.self) { try SinkReportFile(directory.file("status.json")).read() }
        #expect(error?.exitCode == .badInput)
        #expect(error?.message.names(directory.file("status.json")) == true)
    }

    @Test func whatAnotherReleaseDidNotCountIsNone() throws {
        try directory.write(
            "status.json",
            SinkReportTests.text(
                "{\"Fingerprint\": \"\(SinkReportTests.fingerprint)\", \"Counter\": 1, \"Refused\": {}}"))
        let signer = try SinkReportFile(directory.file("status.json")).read().signers.first
        #expect(signer?.mixed == 0 && signer?.refused == SinkReportTests.none && signer?.lastMixed == nil)
    }

    @Test func whoHoldsItIsSeen() throws {
        let file = SinkReportFile(directory.file("status.json"))
        #expect(file.isHeld == false)
        do {
            let hold = try file.hold()
            #expect(file.isHeld == true)
            let error = #expect(throws: StateError.self) { try file.hold() }
            #expect(error?.exitCode == .unavailable)
            // By way of a link it is the same file.
            try directory.write("status.json", "")
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("link"), withDestinationPath: "status.json")
            #expect(SinkReportFile(directory.file("link")).isHeld == true)
            withExtendedLifetime(hold) {}
        }
        #expect(file.isHeld == false)
        // What a killed sink left behind is held by nobody.
        try directory.write(".status.json.sink", "")
        #expect(file.isHeld == false)
        #expect(throws: StateError.self) { try SinkReportFile(directory.file("none/status.json")).hold() }
    }
}

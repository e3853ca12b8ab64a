import EntropyCrypto
import EntropyState
import Foundation
import Support
import Testing

@testable import EntropySource

@Suite struct ReportTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func entry(_ address: String, _ status: Report.Status, _ reason: String = "", counter: Int64 = 7) throws
        -> Report.Entry
    {
        Report.Entry(
            identity: Target.Identity(address, try BoxPublicKey([UInt8](repeating: 9, count: 32))), status: status,
            reason: reason, counter: counter, bytes: counter == 0 ? 0 : 1399, time: 1_800_000_000)
    }

    @Test func aTargetHasOneLine() throws {
        var report = Report()
        try report.note(entry("sink.example.org:9437", .unreachable, "no answer in time", counter: 0))
        try report.note(entry("b:1", .mixed))
        try report.note(entry("sink.example.org:9437", .mixed, counter: 8))
        #expect(
            report.lines == [
                "sink                   status  packet  bytes  reason",
                "sink.example.org:9437  mixed   8       1399",
                "b:1                    mixed   7       1399",
            ])
    }

    @Test func itIsReadAsItIsWritten() throws {
        var report = Report()
        for (place, status) in Report.Status.allCases.enumerated() {
            try report.note(entry("h:\(place + 1)", status, "why \"\(place)\"", counter: Int64(place)))
        }
        try report.write(to: directory.file("status.json"))
        let read = try Report(reading: directory.file("status.json"))
        #expect(read.encode() == report.encode())
        // As if it were one document.
        #expect(try JSONDocument(parsing: report.encode(), file: "").encode() == report.encode())
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read("status.json"))) as? [String: Any]
        let targets = try #require(parsed?["Targets"] as? [[String: Any]])
        #expect(
            targets.compactMap { $0["Status"] as? String } == [
                "mixed", "unconfirmed", "refused", "unreachable", "failed",
            ])
        #expect(targets[1]["Reason"] as? String == "why \"1\"" && targets[1]["Bytes"] as? Int == 1399)
    }

    @Test func aBadFileIsNamed() throws {
        for text in [
            "", "{}", "[]", "{\"Targets\": 1}", "{\"Targets\": [{}]}", "{\"Targets\": [1]}",
            "{\"Targets\": [], \"Noise\": 1}", "{\"Targets\": [], \"Noise\": [{}]}",
            "{\"Targets\": [], \"Noise\": [{\"Name\": \"n\", \"Health\": \"good\"}]}",
        ] {
            try directory.write("status.json", text)
            let error = #expect(throws: StateError.self) { try Report(reading: directory.file("status.json")) }
            #expect(error?.exitCode == .badInput)
        }
    }
}

import EntropyCrypto
import EntropyState
import Foundation
import Platform
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
                "mixed", "unconfirmed", "refused", "unreachable", "failed", "silent", "foreign", "waiting",
            ])
        #expect(targets[1]["Reason"] as? String == "why \"1\"" && targets[1]["Bytes"] as? Int == 1399)
    }

    /// What a later run has to know comes back from the file.
    @Test func whatIsRememberedIsReadBack() throws {
        var report = Report()
        let memory = Report.Memory(
            served: 5, next: -7, written: .max, givesReceipts: true, unconfirmed: 2, isSmall: true)
        try report.note(entry("a:1", .silent))
        var known = try entry("b:1", .foreign)
        known.memory = memory
        report.note(known)
        report.started = 1
        report.written = 2
        let read = try Report(decoding: report.encode(), file: "")
        #expect(read.entries.map(\.memory) == [Report.Memory(), memory])
        #expect(read.started == 1 && read.written == 2)
        #expect(read.ofThisRun.isEmpty && report.ofThisRun.entries.count == 2)
        #expect(read.encode() == report.encode())
    }

    /// Each target is in it; the time of its next packet is the list's, but for one that failed.
    @Test func itFollowsTheList() throws {
        var report = Report()
        var failed = try entry("a:1", .unreachable)
        failed.memory.next = 77
        report.note(failed)
        try report.note(entry("gone:1", .mixed))
        let list = [try Target.example("a:1", next: 5), try Target.example("b:1", next: 9), try Target.example("c:1")]
        #expect(report.heed(list) { $0.address == "a:1" })
        #expect(report.entries.map(\.identity.address) == ["a:1", "b:1", "c:1"])
        #expect(report.entries.map(\.memory.next) == [77, 9, nil])
        #expect(report.entries.map(\.status) == [.unreachable, .waiting, .waiting])
        #expect(!report.heed(list) { $0.address == "a:1" })
        #expect(report.heed(list) { _ in false } && report.entries[0].memory.next == 5)
    }

    /// For a monitor: the codes are those of Nagios' plugins.
    @Test func aMonitorIsTold() throws {
        var report = Report()
        func state(_ now: Int64, _ isRunning: Bool? = true) -> MonitorState {
            report.check(age: 100, now: now, isRunning: isRunning).state
        }
        #expect(state(0) == .unknown)
        var one = try entry("a:1", .mixed)
        one.memory.served = 1000
        report.note(one)
        // A clock may be set back by a minute; what lies farther ahead was dated by a wrong one.
        for (now, expected) in [
            (939, MonitorState.critical), (940, .ok), (1000, .ok), (1100, .ok), (1101, .critical),
        ] as [(Int64, MonitorState)] { #expect(state(now) == expected, "\(now)") }
        // A service that ended; a run that is over at once has no beginning.
        #expect(state(1100, false) == .ok)
        report.started = 900
        #expect(state(1100, false) == .warning && state(1100, nil) == .ok && state(1101, false) == .critical)
        // One that was never served is late, whatever the others are.
        try report.note(entry("b:1", .unreachable, "why"))
        #expect(state(1000) == .critical)
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

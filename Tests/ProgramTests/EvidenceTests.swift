import Foundation
import Support
import Testing

/// The program that `make evidence` measures with, in short: what it prints, and not how fast.
@Suite struct EvidenceTests {
    @Test(arguments: Build.available) func goodSourcesRaiseTheAlarmsThatTheirCutoffsLetExpect(_ build: Build) throws {
        let finished = try run(build.command("evidence") + ["false-alarms", "1000000"])
        #expect(finished.status == 0)
        let rows = finished.text.split(separator: "\n").dropFirst().map { $0.split(separator: " ").suffix(6) }
        #expect(rows.count == 20)
        for row in rows.map(Array.init) {
            let alarms = try #require(Double(row[3]))
            let expected = try #require(Double(row[4]))
            #expect(abs(alarms - expected) <= 5 * expected.squareRoot() + 1)
            if row[1] == "2^-30" { #expect(alarms == 0) }
            // Some were there to be seen.
            if row[2] == "1000448", row[1] == "2^-10" { #expect(alarms > 0) }
        }
        // The noise is the same in each run, and so is what is made of it, on every machine.
        let host = try run(Build.host.command("evidence") + ["false-alarms", "1000000"])
        #expect(finished.text == host.text)
    }

    @Test(arguments: Build.available) func throughputIsSaidSideBySide(_ build: Build) throws {
        let finished = try run(build.command("evidence") + ["throughput", "20"])
        #expect(finished.status == 0)
        let rows = finished.text.split(separator: "\n").map { $0.split(separator: " ") }
        #expect(rows.map { String($0[0]) } == ["run", "1", "2", "3", "4", "5", "median", "ratio"])
        for row in rows[1...6] {
            #expect(row.count == 3)
            #expect(row.dropFirst().allSatisfy { (Double($0) ?? 0) > 0 })
        }
        #expect(Double(rows[7][1]) != nil)
    }

    @Test(arguments: Build.available) func aForkedChildGetsNoOutput(_ build: Build) throws {
        let finished = try run(build.command("evidence") + ["fork"])
        #expect(finished.status == 0)
        let lines = finished.text.split(separator: "\n").map(String.init)
        #expect(lines.count == 3)
        #expect(lines.first == "before the fork: 1024 bytes")
        #expect(lines.contains { $0.hasPrefix("child: no output") })
        #expect(lines.last == "parent: 1024 bytes")
    }

    @Test(arguments: Build.available) func aStreamHasItsLengthAndIsNeverTheSame(_ build: Build) throws {
        for count in [0, 1, 1024, 100_001] {
            #expect(try run(build.command("evidence") + ["stream", String(count)]).output.count == count)
        }
        let streams = try (0..<2).map { _ in try run(build.command("evidence") + ["stream", "1024"]).output }
        #expect(streams[0] != streams[1])
    }

    @Test(arguments: [[], ["stream"], ["stream", "x"], ["stream", "-1"], ["fork", "2"], ["dance"]])
    func wrongUsageIsSaid(_ arguments: [String]) throws {
        let finished = try run(Build.host.command("evidence") + arguments)
        #expect(finished.status == 64)
        #expect(finished.errorLines.count == 1)
    }
}

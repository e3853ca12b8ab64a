import Foundation
import Support
import Testing

/// `entropy-source --selftest`, as JSON and as a table.
@Suite struct SelfTestProgramTests {
    struct Shown: Decodable {
        struct Source: Decodable {
            let name, kind: String
            let physical, healthy: Bool
            let bytes, fillMilliseconds: Int
            let claimedBitsPerByte: Double
            let mostCommonValueBitsPerByte, markovBitsPerByte: Double?
            let remark: String?
        }
        struct Test: Decodable {
            let test: String
            let blocks, failed: Int
        }
        let passed: Bool
        let sources: [Source]
        let output: [Test]?

        init(_ json: Data) throws {
            struct Key: CodingKey {
                let stringValue: String
                var intValue: Int? { nil }
                init(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .custom { path in
                let name = path.last?.stringValue ?? ""
                return Key(stringValue: name.prefix(1).lowercased() + name.dropFirst())
            }
            self = try decoder.decode(Shown.self, from: json)
        }
    }

    @Test(arguments: Build.available) func theSelfTestShowsWhatThereIs(_ build: Build) throws {
        let place = try Workplace(build)
        try place.directory.write(
            "short", [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/dev/urandom"), limit: 20480)))
        let finished = try place.start(
            "entropy-source",
            ["--selftest", "--json", "--software-only", "--noise", "kernel", "--noise-file", "short"]
        ).wait()
        #expect(finished.status == 0, "\(finished.errors)")
        let shown = try Shown(finished.output)
        #expect(shown.passed && shown.sources.map { $0.kind } == ["kernel", "file"])
        let kernel = shown.sources[0]
        #expect(kernel.healthy && !kernel.physical && kernel.bytes >= 1_000_000 && kernel.claimedBitsPerByte == 8)
        // A million good bytes: SP 800-90B's estimates leave little more than 7.8 bits of 8.
        #expect((7.8...8).contains(try #require(kernel.mostCommonValueBitsPerByte)))
        #expect((7.8...8).contains(try #require(kernel.markovBitsPerByte)))
        #expect(shown.sources[1].bytes == 20480 && shown.sources[1].remark?.isEmpty == false)
        #expect(shown.output?.map { $0.test } == ["monobit", "poker", "runs", "long run", "continuous run"])
        #expect(shown.output?.allSatisfy { $0.blocks == 419 && $0.failed < 10 } == true)
        // Nothing is left behind, and the table says the same as the object.
        let table = try place.start("entropy-source", ["--selftest", "--noise", "kernel"]).wait()
        #expect(table.status == 69, "\(table.errors)")
        #expect(table.text.contains("getrandom(2)  healthy"), "\(table.text)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.directory.path) == ["short"])
    }

    /// How long one filling of the pools takes with a TPM: with swtpm, and with one that gives 14 KB/s as a chip does. Printed,
    /// and not judged, but for what the bus adds by itself.
    @Test(.enabled(if: haveTools("swtpm"), "swtpm is not installed"), arguments: Build.available)
    func aFillingTakesItsTime(_ build: Build) throws {
        let tpm = try SoftwareTPM()
        let place = try Workplace(build, tpm: tpm)
        var times: [Int] = []
        for rate in [1_000_000_000, 14_000] {
            let bus = try DisturbedBus(tpm, "slow", rate)
            let running = try place.start(
                "entropy-source", ["--selftest", "--json", "--noise", "tpm", "--tcti", bus.tcti])
            // A signal ends the trial, and has the program tell what it knows by then: of one filling, 64 bytes a command, and
            // some more.
            #expect(eventually { bus.strikes > 20 }, "\(running.errors)")
            running.signal(SIGINT)
            let finished = running.wait()
            let shown = try Shown(finished.output)
            #expect(finished.status == 1 && !shown.passed, "\(finished.errors)")
            #expect(
                shown.sources[0].healthy && shown.sources[0].remark == "interrupted" && shown.sources[0].bytes >= 1024)
            times.append(shown.sources[0].fillMilliseconds)
        }
        print("| \(build) | one filling of 1024 bytes | swtpm \(times[0]) ms | 14 KB/s \(times[1]) ms |")
        #expect(times[1] >= 1024 * 1000 / 14_000)
    }
}

import Foundation
import Support
import Testing

/// Numbers at the borders of 32 and 64 bits, through the real programs: no trap, the right answer or a clear refusal.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct BorderTests {
    static let numbers: [Int64] = [
        .min, -1 << 32, -1 << 31 - 1, -1 << 31, -1, 0, 1 << 31 - 2, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32,
        .max - 1, .max,
    ]

    @Test(arguments: Build.available) func optionsTakeThem(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        for number in BorderTests.numbers {
            let entry = try place.run("entropy-target", "-a", "h:1", "-c", "\(number)", "-t", "\(number)")
            #expect(entry.status == 0, "\(entry.errors)")
            #expect(entry.text.contains("\"Counter\": \(number)"))
            if number != 0 { #expect(entry.text.contains("\"Next\": \(number)")) }
            let configuration = try place.run("entropy-config", "-d", "\(number)")
            #expect(configuration.status == (number < 0 ? 64 : 0))
            if number >= 0 { #expect(configuration.text.contains("\"Drift\": \(number)\n")) }
        }
        for text in [
            "9223372036854775808", "-9223372036854775809", "99999999999999999999999", "1.5", "0x7", "", " 1", "1e3",
        ] {
            for option in ["-c", "-t"] {
                let refused = try place.run("entropy-target", "-a", "h:1", option, text)
                #expect(refused.status == 64, "\(text)")
                #expect(refused.errorLines.count == 1)
            }
            #expect(try place.run("entropy-config", "-d", text).status == 64, "\(text)")
        }
    }

    @Test(arguments: Build.available) func countersPassThem(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        try place.edit("config.json") {
            $0["Counter"] = Int64.min
            $0["CounterJump"] = Int64.max
        }
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        for number in BorderTests.numbers {
            try place.edit("targets.json") {
                $0["Counter"] = number
                $0["Next"] = 0
            }
            let before = try place.directory.read("targets.json")
            if number == .max {
                #expect(try place.deliver() == (1, ["failed 0"]))
                #expect(try place.directory.read("targets.json") == before)
                continue
            }
            #expect(try place.deliver() == (0, ["mixed \(number + 1)"]))
            #expect(try place.number("targets.json", "Counter") == number + 1)
            #expect(try place.number("config.json", "Counter") == number + 1)
        }
    }

    @Test(arguments: Build.available) func theNextTimeMayBeOneOfThem(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let now = Int64(Date().timeIntervalSince1970)
        for number in BorderTests.numbers {
            try place.edit("targets.json") { $0["Next"] = number }
            let before = place.chunks
            let source = try place.run("entropy-source", "--once")
            #expect(source.status == 0, "\(number): \(source.errors)")
            #expect(place.chunks == before + (number <= now ? 1 : 0), "\(number): \(source.errors)")
            if number > now { #expect(try place.number("targets.json", "Next") == number) }
        }
    }

    @Test(arguments: Build.available) func intervalsSaturate(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let source = try place.run(
            "entropy-source", "--once", "--interval", "9223372036854775807", "--scan", "9223372036854775807s")
        #expect(source.status == 0, "\(source.errors)")
        #expect(try place.number("targets.json", "Next") == .max)
        for text in ["0", "-1", "9223372036854775808", "9223372036854775807d", "1w", "h", "", "1.5h", "+5"] {
            let refused = try place.run("entropy-source", "--once", "--interval", text)
            #expect(refused.status == 64, "\(text)")
            #expect(refused.errorLines.count == 1)
        }
    }

    @Test func aSinksCounterDriftAndMaximumAgeMayBeOneOfThem() throws {
        let place = try Workplace(.host)
        try place.provision()
        for number in BorderTests.numbers {
            try place.edit("config.json") { $0["Counter"] = number }
            let checked = try place.run("entropy-sink", "--check")
            #expect(checked.status == 0)
            let line = checked.text.split(separator: "\n").first { $0.hasPrefix("counter ") }
            #expect(line?.names("\(number)") == true, "\(checked.text)")
            try place.edit("config.json") { $0["Drift"] = number }
            #expect(try place.run("entropy-sink", "--check").status == (number < 0 ? 65 : 0))
            try place.edit("config.json") {
                $0["Drift"] = 120
                $0["MaximumAge"] = number
            }
            #expect(try place.run("entropy-sink", "--check").status == (number < 0 ? 65 : 0))
            try place.edit("config.json") { $0["MaximumAge"] = nil }
        }
    }
}

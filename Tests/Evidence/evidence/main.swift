import CommandLine
import Platform

// usage: evidence stream BYTES
//        evidence false-alarms SAMPLES
//        evidence throughput [MILLISECONDS]
//        evidence fork

let name: StaticString = "evidence"
let usage = "stream BYTES, false-alarms SAMPLES, throughput [MILLISECONDS] or fork is expected"

/// The command and what follows it.
func words() throws(Failure) -> [String] {
    switch OptionScanner([]).next() {
    case .end(let words): return words
    case .option, .wrong, .notText: throw Failure(.usage, usage)
    }
}

func number(_ text: String, from least: Int64) throws(Failure) -> Int64 {
    guard let number = Int64(text), number >= least, number <= 1 << 50 else {
        throw Failure(.usage, "\(text): a whole number of at least \(least) is expected")
    }
    return number
}

do throws(Failure) {
    let words = try words()
    switch (words.first, words.count) {
    case ("stream", 2): try stream(bytes: try number(words[1], from: 0))
    case ("false-alarms", 2): try countFalseAlarms(samples: try number(words[1], from: 1))
    case ("throughput", 1): try compareThroughput(milliseconds: 1000)
    case ("throughput", 2): try compareThroughput(milliseconds: try number(words[1], from: 1))
    case ("fork", 1): try readAfterFork()
    default: throw Failure(.usage, usage)
    }
} catch {
    Terminal.say(name, error.message)
    Process.exit(error.exitCode)
}

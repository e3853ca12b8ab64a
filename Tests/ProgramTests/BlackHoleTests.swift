import Foundation
import Support
import Testing

/// Sinks that nobody answers for, among those that answer. Slow: a minute.
@Suite(.serialized) struct BlackHoleTests {
    /// Starts a source with a list of `count` sinks, and as many black holes among them, and returns after how many seconds
    /// every sink had its packet. Holes that are not due are in the list, and are not tried.
    func serve(_ count: Int, among holes: Int, due: Bool = true) throws -> TimeInterval {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let (catcher, hole) = (try PacketCatcher(everywhere: true), try BlackHole())
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        func entries(_ count: Int, _ network: String, _ port: UInt16, next: Int64) -> [[String: Any]] {
            (0..<count).map {
                ["Address": "127.\(network).\($0 / 250).\($0 % 250 + 1):\(port)", "Public": key, "Next": next]
            }
        }
        let hours = Int64(Date().timeIntervalSince1970) + 10_000
        // The holes come first: whoever served the list from its beginning would meet them all at once.
        let list = entries(holes, "9", hole.port, next: due ? 0 : hours) + entries(count, "8", catcher.port, next: 0)
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: list)))
        let started = Date()
        let source = try place.start("entropy-source", [])
        #expect(
            eventually(seconds: 120) { source.errors.components(separatedBy: ", unconfirmed").count > count },
            "\(catcher.frames.count) served, \(source.errors.suffix(300))")
        let seconds = Date().timeIntervalSince(started)
        #expect(catcher.frames.count == count)
        source.signal(SIGTERM)
        #expect(source.wait(seconds: 20).status == 0)
        // Nobody was there to take a packet: none was made.
        let parsed = try JSONSerialization.jsonObject(with: Data(place.directory.read("targets.json")))
        for entry in try #require(parsed as? [[String: Any]]).prefix(holes) { #expect(entry["Counter"] == nil) }
        return seconds
    }

    /// The list is as long with them as without: what counts is what they do to the others.
    ///
    /// Both at once, so that whatever else this machine does slows down both. The best of three: chance makes one of them
    /// slow, a black hole that holds others up would make all three.
    @Test func aHundredOfThemDelayNobody() throws {
        var ratios: [Double] = []
        for _ in 0..<3 {
            let (alone, among) = (Serving(due: false), Serving(due: true))
            let (without, with) = (try alone.seconds(), try among.seconds())
            ratios.append(with / without)
            print(
                String(
                    format: "| 900 sinks alone %.2f s | 900 sinks among 100 black holes %.2f s | ratio %.2f |", without,
                    with, with / without))
        }
        #expect(try #require(ratios.min()) <= 1.2)
    }

    /// `serve` on a thread of its own.
    final class Serving: @unchecked Sendable {
        private let isDone = DispatchSemaphore(value: 0)
        private var result: Result<TimeInterval, Error> = .success(0)

        init(due: Bool) {
            let thread = Thread { [self] in
                result = Result { try BlackHoleTests().serve(900, among: 100, due: due) }
                isDone.signal()
            }
            thread.start()
        }

        func seconds() throws -> TimeInterval {
            isDone.wait()
            return try result.get()
        }
    }

    /// More of them than there can be connections: they are given up for those who wait.
    @Test func evenVeryManyDoNotTakeEveryPlace() throws {
        #expect(try serve(20, among: 600) < 60)
    }
}

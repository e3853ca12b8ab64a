import Foundation
import Support
import Testing

/// Packets in the first segment (TCP Fast Open), by `--fast-open`.
extension SlowLinkTests {
    static let keys = [
        Key(name: "RSA-2048", rsagen: [], limit: 1753),
        Key(name: "P-256", rsagen: ["--algorithm", "ecdsa"], limit: 1566),
    ]

    /// A sink whose machine takes such packets, or does not, and a source's files.
    func prepare(_ build: Build, _ key: Key, isTaking: Bool) throws -> (Workplace, NetworkNamespaces, Running) {
        let (place, link) = (try Workplace(build), try NetworkNamespaces())
        try link.set("ipv4.tcp_fastopen", to: isTaking ? 3 : 1, at: .sink)
        return (place, link, try sinks(place, link, ports: 1...1, key.rsagen)[0])
    }

    /// One delivery, which must succeed.
    func deliverOnce(
        _ place: Workplace, _ link: NetworkNamespaces, _ what: String, _ arguments: [String] = ["--fast-open"]
    ) throws -> [LinkRecorder.Frame] {
        let recorder = try LinkRecorder(link)
        try place.edit("targets.json") { $0["Next"] = 0 }
        let source = try start(place, link, .source, "entropy-source", ["--once"] + arguments).wait()
        #expect(source.status == 0 && source.errors.packets(.mixed).count == 1, "\(source.errors)")
        let frames = recorder.settle()
        report(place.build, what, frames, 0)
        return frames
    }

    func isOpening(_ frame: LinkRecorder.Frame) -> Bool { frame.isFromSource && frame.text.contains("Flags [S]") }

    /// Those that need not be there: an acknowledgement goes alone where a machine takes its time.
    func isBare(_ frame: LinkRecorder.Frame) -> Bool { frame.text.contains("Flags [.]") && frame.payload == 0 }

    /// What must be there is counted; what a slow test machine adds to that is bounded.
    func check(_ frames: [LinkRecorder.Frame], _ count: Int, _ limit: Int) {
        let (needed, text) = (frames.filter { !isBare($0) }, frames.map { $0.text }.joined(separator: "\n"))
        #expect(needed.count == count && frames.count <= count + 2, "\(text)")
        #expect(bytes(needed) <= limit, "\(text)")
    }

    @Test(arguments: Build.available, keys) func theSecondPacketIsInTheFirstSegment(_ build: Build, _ key: Key) throws {
        let (place, link, sink) = try prepare(build, key, isTaking: true)
        let first = try deliverOnce(place, link, "\(key.name) | asks for a cookie")
        #expect(first.filter { isOpening($0) }.allSatisfy { $0.payload == 0 && $0.text.contains("cookiereq") })
        for (what, timestamps, saved) in [("with a cookie", 1, 0), ("without timestamps", 0, 40)] {
            try link.set("ipv4.tcp_timestamps", to: timestamps, at: .source)
            let next = try deliverOnce(place, link, "\(key.name) | \(what)")
            let opening = try #require(next.first)
            #expect(
                isOpening(opening) && opening.payload == next.filter { $0.isFromSource }.reduce(0) { $0 + $1.payload })
            // The packet, its acknowledgement, the receipt with the end, the reset.
            check(next, 4, key.limit - saved)
        }
        #expect(try place.directory.read("pool1").count == 3 * 1024, "\(sink.errors)")
    }

    /// Who does not ask for it sends what was sent before, and so does who asks a sink that does not take it, but for the
    /// question.
    @Test(arguments: Build.available, [true, false])
    func otherwiseAllIsAsBefore(_ build: Build, _ isTaking: Bool) throws {
        let (place, link, sink) = try prepare(build, SlowLinkTests.keys[1], isTaking: isTaking)
        for number in 1...2 {
            let frames = try deliverOnce(
                place, link, "P-256 | \(isTaking ? "not wanted" : "not taken"), \(number)",
                isTaking ? [] : ["--fast-open"])
            #expect(frames.filter { isOpening($0) }.allSatisfy { $0.payload == 0 })
            check(frames, 5, isTaking ? 1620 : 1628)
        }
        #expect(try place.directory.read("pool1").count == 2 * 1024, "\(sink.errors)")
    }

    /// A source with a cookie for a sink that is gone learns that by a packet, once; then it shakes hands before it makes one.
    @Test(arguments: Build.available) func aSinkThatIsGoneCostsOnePacket(_ build: Build) throws {
        let (place, link, sink) = try prepare(build, SlowLinkTests.keys[1], isTaking: true)
        let recorder = try LinkRecorder(link)
        let source = try start(
            place, link, .source, "entropy-source", ["--scan", "1s", "--interval", "2s", "--fast-open"])
        func mixed() -> Int { source.errors.packets(.mixed).count }
        func failures() -> Int { source.errors.waits(for: "\(NetworkNamespaces.Side.sink.address):1").count }
        #expect(eventually { recorder.frames.contains { isOpening($0) && $0.payload > 1000 } })
        sink.signal(SIGTERM)
        #expect(sink.wait().status == 0)
        #expect(eventually { failures() >= 3 }, "\(source.errors)")
        let refused = recorder.frames.filter { isOpening($0) }.suffix(3)
        #expect(refused.count { $0.payload > 0 } <= 1)
        let counter = try #require(try place.number("targets.json", "Counter"))
        #expect(counter <= Int64(mixed() + 1))
        let again = try start(
            place, link, .sink, "entropy-sink",
            ["-f", "config1.json", "--pool", "pool1", "--status-file", "status1.json"])
        let before = mixed()
        #expect(eventually { mixed() > before }, "\(source.errors)\(again.errors)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
    }

    /// A way that drops such segments: the kernel goes on by a handshake, and the source does not try again.
    @Test(
        .enabled(if: NetworkNamespaces.canLose, "nft is not installed, or the kernel lacks it"),
        arguments: Build.available)
    func aWayThatDropsThemIsTriedOnce(_ build: Build) throws {
        let (place, link, sink) = try prepare(build, SlowLinkTests.keys[1], isTaking: true)
        try link.dropOpeningData()
        let recorder = try LinkRecorder(link)
        let source = try start(
            place, link, .source, "entropy-source", ["--scan", "1s", "--interval", "1s", "--fast-open"])
        #expect(
            eventually { source.errors.packets(.mixed).count >= 5 },
            "\(source.errors)\(sink.errors)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        #expect(
            source.errors.waits(for: "\(NetworkNamespaces.Side.sink.address):1").isEmpty, "\(source.errors)")
        #expect(recorder.settle().count { isOpening($0) && $0.payload > 1000 } == 1)
        #expect(try place.directory.read("pool1").count >= 5 * 1024)
    }

    /// A sink's machine that was started anew knows none of its cookies: the packet goes twice, once. Only the host's, since
    /// qemu does not hand on what the kernel says of such a segment.
    @Test func anOldCookieCostsOnePacket() throws {
        let (place, link, sink) = try prepare(.host, SlowLinkTests.keys[1], isTaking: true)
        let recorder = try LinkRecorder(link)
        let source = try start(
            place, link, .source, "entropy-source", ["--scan", "1s", "--interval", "1s", "--fast-open"])
        func mixed() -> Int { source.errors.packets(.mixed).count }
        func full() -> Int { recorder.frames.count { isOpening($0) && $0.payload > 1000 } }
        #expect(eventually { full() > 0 }, "\(source.errors)\(sink.errors)")
        try link.set("ipv4.tcp_fastopen_key", to: "01234567-89abcdef-fedcba98-76543210", at: .sink)
        let (before, start) = (full(), mixed())
        #expect(eventually { mixed() >= start + 6 }, "\(source.errors)\(sink.errors)")
        // One may have been on its way when the key changed.
        #expect((1...2).contains(full() - before))
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
    }
}

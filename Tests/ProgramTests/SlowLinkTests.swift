import Foundation
import Support
import Testing

/// A link of 4 kbit/s, which is 500 bytes a second, as boards in the field may have: what crosses it, and what comes of many
/// deliveries at once, or of frames that are lost.
@Suite(
    .enabled(if: NetworkNamespaces.arePossible, "only root, with ip and tc, can make a slow link"),
    .enabled(
        if: haveTools("tcpdump", "socat", "qemu-arm-static"), "tcpdump, socat or qemu-arm-static is not installed"))
struct SlowLinkTests {
    static let rate = "4kbit"

    /// A source's files, and as many sinks as there are ports, at the other end of the link.
    func sinks(
        _ place: Workplace, _ link: NetworkNamespaces, ports: ClosedRange<Int>, _ rsagen: [String]
    ) throws -> [Running] {
        try place.provision(rsagen)
        return try ports.map { port in
            let address = "\(NetworkNamespaces.Side.sink.address):\(port)"
            let configuration = try place.run("entropy-config", "-a", address)
            try place.directory.write("config\(port).json", Array(configuration.output))
            try place.directory.write("pool\(port)", "")
            #expect(try place.run("entropy-target", "-a", address, "--append", "targets.json").status == 0)
            let sink = try start(
                place, link, .sink, "entropy-sink",
                [
                    "-f", "config\(port).json", "--pool", "pool\(port)", "--status-file", "status\(port).json",
                ])
            try sink.listeningPort()
            return sink
        }
    }

    func start(
        _ place: Workplace, _ link: NetworkNamespaces, _ side: NetworkNamespaces.Side, _ program: String,
        _ arguments: [String]
    ) throws -> Running {
        try Running(link.inside(side, place.command(program, arguments)), in: place.directory.path)
    }

    func bytes(_ frames: [LinkRecorder.Frame]) -> Int { frames.reduce(0) { $0 + $1.size } }

    /// On a link at rest: what has to cross it. TCP adds to that where the link is slow, but no packet. Of the original a
    /// packet with RSA-2048 and no receipt took 2,067 bytes.
    @Test(
        arguments: Build.available,
        [
            Key(name: "RSA-2048", rsagen: [], limit: 2067),
            Key(name: "P-256", rsagen: ["--algorithm", "ecdsa"], limit: 1880),
        ])
    func aDeliveryIsOneSegmentAndFewBytes(_ build: Build, _ key: Key) throws {
        for rate in [nil, SlowLinkTests.rate] {
            let link = try NetworkNamespaces()
            if let rate { try link.slow(rate) }
            let frames = try deliver(build, key, over: link, "\(rate ?? "fast")")
            // The packet is in one segment, and so is the receipt; at leisure neither is sent again.
            #expect(frames.allSatisfy { $0.size <= 1514 })
            #expect(frames.filter { $0.isFromSource && $0.size > 1000 }.count == 1)
            for isFromSource in rate == nil ? [true, false] : [true] {
                let segments = frames.filter { $0.isFromSource == isFromSource && $0.payload > 0 }
                #expect(segments.count == 1, "\(segments.map { $0.text })")
            }
            // Where the answer to a FIN comes late, the FIN goes again, and is answered again.
            let again = rate == nil ? 0 : 3 * (66 + 78)
            #expect(bytes(frames) <= key.limit + again, "\(frames.map { $0.text }.joined(separator: "\n"))")
        }
    }

    /// With other traffic before it, through a modem that keeps what it cannot send yet: TCP knows only how fast the first
    /// few bytes were, takes the packet for lost, and sends it again.
    @Test(arguments: Build.available) func throughAModem(_ build: Build) throws {
        let link = try NetworkNamespaces(.modem)
        try link.slow(SlowLinkTests.rate)
        let key = Key(name: "P-256", rsagen: ["--algorithm", "ecdsa"], limit: 10000)
        let frames = try deliver(build, key, over: link, "modem, busy", tired: true)
        #expect(bytes(frames) <= key.limit, "\(frames.map { $0.text }.joined(separator: "\n"))")
    }

    struct Key: CustomTestStringConvertible {
        let name: String
        let rsagen: [String]
        /// Bytes on the link, both ways.
        let limit: Int
        var testDescription: String { name }
    }

    /// One delivery, which must succeed: its frames.
    func deliver(
        _ build: Build, _ key: Key, over link: NetworkNamespaces, _ what: String, tired: Bool = false
    ) throws -> [LinkRecorder.Frame] {
        let place = try Workplace(build)
        let sinks = try sinks(place, link, ports: 1...1, key.rsagen)
        let recorder = try LinkRecorder(link)
        if tired { try link.tire() }
        let started = Date()
        let source = try start(place, link, .source, "entropy-source", ["--once"]).wait()
        let seconds = Date().timeIntervalSince(started)
        #expect(source.status == 0 && source.errors.packets(.mixed) == [1], "\(source.errors)")
        #expect(try place.directory.read("pool1").count == 1024, "\(sinks[0].errors)")
        let frames = recorder.settle()
        report(build, "\(key.name) | \(what)", frames, seconds)
        return frames
    }

    func report(_ build: Build, _ what: String, _ frames: [LinkRecorder.Frame], _ seconds: Double) {
        let (out, back) = (frames.filter { $0.isFromSource }, frames.filter { !$0.isFromSource })
        print(
            "| \(build) | \(what) | out \(bytes(out)) bytes in \(out.count) frames"
                + " | back \(bytes(back)) bytes in \(back.count) frames | \(packets(frames)) with a packet"
                + " | \(String(format: "%.1f", seconds)) s |")
    }

    /// Frames with a packet in them.
    func packets(_ frames: [LinkRecorder.Frame]) -> Int { frames.count { $0.isFromSource && $0.size > 1000 } }

    /// Several sinks that are due in the same scan. Sent at once, the packets would wait behind each other.
    @Test(
        arguments: Build.available.flatMap { build in
            // A modem's queue is TCP's affair, and takes a minute: once is enough.
            NetworkNamespaces.Queue.allCases.filter { build == .host || $0 == .own }.map { (build, $0) }
        })
    func severalAtOnce(_ build: Build, _ queue: NetworkNamespaces.Queue) throws {
        let count = queue == .own ? 6 : 4
        let link = try NetworkNamespaces(queue)
        try link.slow(SlowLinkTests.rate)
        let place = try Workplace(build)
        let sinks = try sinks(place, link, ports: 1...count, [])
        let recorder = try LinkRecorder(link)
        let started = Date()
        let source = try start(place, link, .source, "entropy-source", ["--once"]).wait()
        let seconds = Date().timeIntervalSince(started)
        let frames = recorder.settle()
        report(build, "\(count) sinks, RSA-2048 | queue: \(queue)", frames, seconds)
        // At the first try, all of them.
        #expect(source.status == 0, "\(source.errors)")
        #expect(source.errors.packets(.mixed) == [Int64](repeating: 1, count: count), "\(source.errors)")
        // A kernel that sees its own queue sends nothing twice. One that does not repeats a packet after 0.2, 0.6, 1.4, 3, 6.2 and
        // 12.6 s, until the answer has come.
        #expect(
            packets(frames) <= (queue == .own ? count : 7 * count),
            "\(frames.map { $0.text }.joined(separator: "\n"))")
        for (place, sink) in sinks.enumerated() {
            #expect(eventually { sink.errors.packets(.mixed) == [1] }, "sink \(place + 1): \(sink.errors)")
        }
    }

    /// Every fifth frame is lost, in either direction.
    @Test(
        .enabled(if: NetworkNamespaces.canLose, "nft is not installed, or the kernel lacks it"),
        arguments: Build.available)
    func aLinkThatLosesFramesIsSlowerAndNoMore(_ build: Build) throws {
        let link = try NetworkNamespaces()
        try link.slow(SlowLinkTests.rate)
        try link.lose(percent: 20)
        let place = try Workplace(build)
        let sinks = try sinks(place, link, ports: 1...1, ["--algorithm", "ecdsa"])
        let started = Date()
        let source = try start(place, link, .source, "entropy-source", ["--scan", "1s", "--interval", "3s"])
        func mixed() -> Int { source.errors.packets(.mixed).count }
        let isServed = try eventually { try mixed() >= 3 && link.lostFrames() > 0 }
        let seconds = Date().timeIntervalSince(started)
        print(
            "| \(build) | lossy | \(mixed()) mixed | \(try link.lostFrames()) frames lost | \(String(format: "%.1f", seconds)) s |"
        )
        #expect(isServed, "\(source.errors)\(sinks[0].errors)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0, "\(source.errors)")
        // What was sent again is mixed once; what the source takes for mixed is.
        let taken = try place.directory.read("pool1").count / 1024
        let counter = try #require(try place.number("config1.json", "Counter"))
        #expect(taken >= mixed() && taken <= Int(counter))
        #expect(try counter <= #require(try place.number("targets.json", "Counter")))
    }
}

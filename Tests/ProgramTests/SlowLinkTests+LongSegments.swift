import Foundation
import Support
import Testing

/// Ways that drop long segments without a word.
extension SlowLinkTests {
    /// A path MTU of 1,280: the first delivery is tried again in small segments within the same run, and all others go so at
    /// once. P-256's packets are short enough.
    @Test(
        .enabled(if: NetworkNamespaces.canLose, "nft is not installed, or the kernel lacks it"),
        arguments: Build.available,
        [["-s", "2048"], ["-s", "3072"], ["-s", "4096"], ["--algorithm", "ecdsa"]])
    func longSegmentsAreGoneAround(_ build: Build, _ rsagen: [String]) throws {
        // Under the emulator one is enough: a try takes twenty seconds.
        guard build == .host || rsagen == ["-s", "2048"] else { return }
        let (place, link) = (try Workplace(build), try NetworkNamespaces())
        try link.dropLong(above: 1280)
        let sink = try sinks(place, link, ports: 1...1, rsagen)[0]
        let isShort = rsagen.contains("ecdsa")
        for number in [1, 2] {
            let source = try start(place, link, .source, "entropy-source", ["--once", "--now"])
                .wait(seconds: 300)
            #expect(source.status == 0, "\(source.errors)")
            // The first try of a long one ends without a packet.
            let address = "\(NetworkNamespaces.Side.sink.address):1"
            let lines = source.errors.lines(about: address)
            #expect(lines.count == (number == 1 && !isShort ? 2 : 1), "\(source.errors)")
            #expect(source.errors.packets(.mixed).count == 1, "\(source.errors)")
        }
        #expect(try place.directory.read("pool1").count == 2048, "\(sink.errors)")
        let report = try place.run("entropy-source", "--status", "--json").output
        let parsed = try JSONSerialization.jsonObject(with: report) as? [String: Any]
        let target = try #require((parsed?["Targets"] as? [[String: Any]])?.first)
        #expect(target["SmallSegments"] as? Bool ?? false == !isShort)
    }
}

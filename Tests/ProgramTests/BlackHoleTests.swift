import Foundation
import Support
import Testing

/// Sinks that nobody answers for, among those that answer. Slow: a minute.
@Suite(.serialized) struct BlackHoleTests {
    /// Starts a source with a list of `count` sinks, and `holes` black holes before them, and waits until every sink had its
    /// packet. Meanwhile `look` is asked whether it saw what it wants to see.
    func serve(_ count: Int, among holes: Int, until look: (BlackHole) -> Bool = { _ in true }) throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let (catcher, hole) = (try PacketCatcher(everywhere: true), try BlackHole())
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        func entries(_ count: Int, _ network: String, _ port: UInt16) -> [[String: Any]] {
            (0..<count).map { ["Address": "127.\(network).\($0 / 250).\($0 % 250 + 1):\(port)", "Public": key] }
        }
        // The holes come first: whoever served the list from its beginning would meet them all at once.
        let list = entries(holes, "9", hole.port) + entries(count, "8", catcher.port)
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: list)))
        let source = try place.start("entropy-source", [])
        #expect(eventually { look(hole) }, "\(source.errors.suffix(300))")
        #expect(
            eventually { source.errors.packets(.unconfirmed).count == count },
            "\(catcher.frames.count) served, \(source.errors.suffix(300))")
        #expect(catcher.frames.count == count)
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        // Nobody was there to take a packet: none was made.
        let parsed = try JSONSerialization.jsonObject(with: Data(place.directory.read("targets.json")))
        for entry in try #require(parsed as? [[String: Any]]).prefix(holes) { #expect(entry["Counter"] == nil) }
    }

    /// Ninety of them are waited for at once, which is more than there are deliveries at once: they take nobody's place.
    @Test func aHundredOfThemDelayNobody() throws {
        try serve(900, among: 100, until: { $0.attempts >= 90 })
    }

    /// More of them than there can be connections: they are given up for those who wait.
    @Test func evenVeryManyDoNotTakeEveryPlace() throws {
        try serve(20, among: 600)
    }
}

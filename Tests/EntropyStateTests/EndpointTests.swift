import Testing

@testable import EntropyState

@Suite struct EndpointTests {
    @Test(
        arguments: [
            ("sink.example.org:9437", "sink.example.org", 9437), ("127.0.0.1:1", "127.0.0.1", 1),
            ("[::1]:4141", "::1", 4141),
            ("a_b-c:65535", "a_b-c", 65535), ("host.:1", "host.", 1), ("4u.example:2", "4u.example", 2),
            ("[fe80::1.2.3.4]:80", "fe80::1.2.3.4", 80),
        ] as [(String, String, UInt16)])
    func addressesToConnectTo(_ text: String, _ host: String, _ port: UInt16) throws {
        let endpoint = try Endpoint.parse(text, for: .connecting).get()
        #expect(endpoint.host == host)
        #expect(endpoint.port == port)
        #expect(endpoint.text == text)
    }

    /// It can mean one thing only, and the entry is the one without it: two of them would share a counter.
    @Test(arguments: ["tcp://sink.example.org:9437", "TCP://sink.example.org:9437", "tcp://sink.example.org:9437/"])
    func aSchemeOfTCPIsTaken(_ text: String) throws {
        #expect(try Endpoint.parse(text, for: .connecting).get().text == "sink.example.org:9437")
        #expect(Endpoint.plain(text) == "sink.example.org:9437")
    }

    @Test(arguments: ["http://h:1", "https://h:1", "mqtts://h:1", "tcp://tcp://h:1", "udp://h:1", "tcp://", "tcp:///"])
    func otherSchemesAreNamed(_ text: String) {
        #expect(throws: Endpoint.Expectation.self) { try Endpoint.parse(text, for: .connecting).get() }
    }

    @Test(arguments: [
        "", "host", ":9437", "host:", "host:0", "host:65536", "host:-1", "host:+1", "host: 1", "host:1 ",
        "host:99999999999999999999",
        "host:0x50", "::1:4141", "[::1]", "[::1]4141", "[]:1", "[host]:1", "[::1%eth0]:1", "-host:1", "ho st:1",
        "host/x:1",
        "user@host:1", "host#:1", "hö.st:1", "host\n:1", "http://host:1", "[::1:1", "[:::::]:1", "..:80", "a..b:80",
        "256.1.1.1:80", "1.2.3:80", ".a:1",
    ])
    func otherAddressesAreRefused(_ text: String) {
        #expect(throws: Endpoint.Expectation.self) { try Endpoint.parse(text, for: .connecting).get() }
    }

    @Test func aListenerMayTakeAllAddressesAndAnyPort() throws {
        #expect(try Endpoint.parse(":4141", for: .listening).get() == Endpoint.parse(":4141", for: .listening).get())
        #expect(try Endpoint.parse(":4141", for: .listening).get().host.isEmpty)
        #expect(try Endpoint.parse("127.0.0.1:0", for: .listening).get().port == 0)
        #expect(throws: Endpoint.Expectation.self) { try Endpoint.parse(":65536", for: .listening).get() }
        #expect(throws: Endpoint.Expectation.self) { try Endpoint.parse("4141", for: .listening).get() }
    }
}

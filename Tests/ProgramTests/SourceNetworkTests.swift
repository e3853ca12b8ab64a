import Foundation
import Support
import Testing

/// Sinks that misbehave, and what a source makes of them.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct SourceNetworkTests {
    func place(_ build: Build) throws -> Workplace {
        let place = try Workplace(build)
        try place.provision()
        return place
    }

    func add(_ place: Workplace, _ port: UInt16) throws {
        #expect(try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json").status == 0)
    }

    @Test(arguments: Build.available) func oneThatHangsHoldsUpNoOther(_ build: Build) throws {
        let place = try place(build)
        let (hole, port) = try Socket.listen()
        try add(place, port)
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "localhost:\(sink.port)", "--append", "targets.json")
        let source = try place.start("entropy-source", [])
        let taken = try hole.accept()
        #expect(
            eventually(seconds: 10) { source.errors.contains("localhost:\(sink.port): packet 1 mixed") },
            "\(source.errors)")
        // Asked to end, it does not wait for the other one's deadline.
        source.signal(SIGTERM)
        let finished = source.wait(seconds: 10)
        #expect(finished.status == 0, "\(finished.errors)")
        #expect(finished.errors.contains("127.0.0.1:\(port): no answer in time"))
        withExtendedLifetime(taken) {}
    }

    @Test(arguments: Build.available) func oneThatClosesUnreadIsNotServed(_ build: Build) throws {
        let place = try place(build)
        let (listener, port) = try Socket.listen()
        try add(place, port)
        let source = try place.start("entropy-source", ["--once"])
        do { _ = try listener.accept() }
        let finished = source.wait()
        #expect(finished.status == 69, "\(finished.errors)")
        #expect(try place.number("targets.json", "Next") ?? 0 == 0)
    }

    @Test(
        arguments: Build.available,
        [[0x00], [0x00, 0x00], [0xff, 0xff, 1, 2, 3], [0, 43] + [UInt8](repeating: 7, count: 43)] as [[UInt8]])
    func whatIsNoReceiptIsNone(_ build: Build, _ answer: [UInt8]) throws {
        let place = try place(build)
        let (listener, port) = try Socket.listen()
        try add(place, port)
        let source = try place.start("entropy-source", ["--once"])
        do {
            let connection = try listener.accept()
            let header = connection.receive(2)
            #expect(header.count == 2)
            _ = connection.receive(Int(header[0]) << 8 | Int(header[1]))
            connection.send(answer)
        }
        let finished = source.wait()
        #expect([1, 69].contains(finished.status), "\(finished.errors)")
        #expect(finished.errors.contains("receipt"), "\(finished.errors)")
        #expect(try place.number("targets.json", "Counter") == 1)
        #expect(try place.number("targets.json", "Next") ?? 0 == 0)
    }

    @Test(arguments: Build.available) func aSinkThatIsAheadMovesTheCounterForward(_ build: Build) throws {
        let place = try place(build)
        try place.edit("config.json") { $0["Counter"] = Int64(1) << 32 }
        let sink = try RunningSink(place)
        try add(place, sink.port)
        let refused = try place.run("entropy-source", "--once")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("packet 1 refused: the sink's counter is 4294967296; ours is moved there"))
        #expect(try place.number("targets.json", "Counter") == 1 << 32)
        let served = try place.run("entropy-source", "--once")
        #expect(served.status == 0, "\(served.errors)")
        #expect(served.errors.contains("packet 4294967297 mixed"))
    }

    @Test(arguments: Build.available) func aSinkWithAnotherSignerSaysNothing(_ build: Build) throws {
        let place = try place(build)
        let sink = try RunningSink(place)
        try add(place, sink.port)
        try place.run("rsagen", "--software", "--force")
        let source = try place.run("entropy-source", "--once")
        // Whoever cannot be authenticated gets no byte: to the source it is as an original sink.
        #expect(source.errors.contains("unconfirmed"))
        #expect(eventually { sink.log.contains("refused: the signature is not by a configured signer") })
        #expect(try place.directory.read("pool").isEmpty)
    }

    @Test(arguments: Build.available) func aHundredSinksAtOnce(_ build: Build) throws {
        let place = try place(build)
        try place.edit("config.json") { $0["Address"] = ":0" }
        let sink = try RunningSink(place)
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        // The same sink under many names: 127.0.0.0/8 is all this machine. It has one counter, so most packets are refused
        // by it, and 32 places for one peer, so some connections are closed unread.
        let entries = (1...100).map { ["Address": "127.0.0.\($0):\(sink.port)", "Public": key] }
        try place.directory.write("targets.json", Array(JSONSerialization.data(withJSONObject: entries)))
        let source = try place.run("entropy-source", "--once")
        for entry in entries {
            let lines = source.errorLines.filter { $0.contains(" \(entry["Address"] ?? ""): ") }
            #expect(lines.count == 1, "\(lines)")
        }
        #expect(source.errorLines.filter { $0.contains("packet 1 mixed") }.count == 1)
        #expect(source.errors.contains("packet 1 refused: the sink's counter is 1"))
        // What was not looked at does not pass for sent.
        #expect(!source.errors.contains("unconfirmed"), "\(source.errors)")
        #expect(!source.errors.contains("no answer in time"), "\(source.errors)")
    }
}

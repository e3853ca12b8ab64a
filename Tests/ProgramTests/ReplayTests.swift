import EntropyCrypto
import EntropyPacket
import Foundation
import Support
import Testing

/// Packets that come again, in another order, by another way, or from a source that has forgotten some.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct ReplayTests {
    /// A source's files and a sink's, and packets that were sealed to it and caught on the way.
    func caught(_ count: Int, _ build: Build) throws -> (place: Workplace, frames: [[UInt8]]) {
        let place = try Workplace(build)
        try place.provision()
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        for number in 1...count {
            try place.edit("targets.json") { $0.merge(["Next": 0, "Receipts": false]) { $1 } }
            #expect(try place.run("entropy-source", "--once").status == 0)
            #expect(eventually { catcher.frames.count == number })
        }
        return (place, catcher.frames.map { Frame.encode($0) })
    }

    /// What a sink answers to a frame: whether it says anything at all.
    func isAnswered(_ frame: [UInt8], by sink: RunningSink) throws -> Bool {
        let connection = try Socket.connect(sink.port)
        connection.send(frame)
        return connection.receive(1).count == 1
    }

    /// What a sink's report counts of packets that were refused, by reason.
    func refused(_ place: Workplace) throws -> [String: Int] {
        let json = try place.run("entropy-sink", "--status", "--json").output
        let report = try JSONSerialization.jsonObject(with: json) as? [String: Any]
        let signer = try #require((report?["Signers"] as? [[String: Any]])?.first)
        return try #require(signer["Refused"] as? [String: Int]).filter { $0.value > 0 }
    }

    @Test(arguments: Build.available) func anOldPacketIsMixedOnceAndNeverAfterANewerOne(_ build: Build) throws {
        let (place, all) = try caught(4, build)
        // The first one was mixed before: the sink knows a counter.
        let frames = Array(all[1...])
        try place.edit("config.json") { $0["Counter"] = 1 }
        let sink = try RunningSink(place)
        // The second one, itself again, the first one, which was held up, and the third.
        for (number, size) in [(1, 1024), (1, 1024), (0, 1024), (2, 2048), (1, 2048), (2, 2048)] {
            #expect(try isAnswered(frames[number], by: sink))
            #expect(try place.directory.read("pool").count == size)
        }
        #expect(try place.number("config.json", "Counter") == 4)
        // Each that came again is told of, or counted.
        #expect(sink.stop().status == 0)
        #expect(sink.log.packets(.mixed) == [3, 4] && sink.log.packets(.refused).first == 3, "\(sink.log)")
        #expect(try refused(place) == ["Counter": 4])
    }

    /// A sink that does not know any more what it mixed.
    @Test(arguments: Build.available) func aSinkThatLostItsCounterMixesNoRecording(_ build: Build) throws {
        let (place, frames) = try caught(2, build)
        try place.edit("config.json") {
            $0["State"] = "state.json"
            $0["Counter"] = 0
        }
        try place.directory.write("state.json", "{\"Counter\": 1}")
        var sink = try RunningSink(place)
        #expect(try isAnswered(frames[1], by: sink))
        #expect(try place.directory.read("pool").count == 1024 && place.number("state.json", "Counter") == 2)
        #expect(sink.stop().status == 0)
        // Whatever was caught is older than the next start.
        let second = Int(Date().timeIntervalSince1970)
        #expect(eventually { Int(Date().timeIntervalSince1970) > second })
        for loss in ["removed", "{}"] {
            if loss == "removed" {
                try place.directory.remove("state.json")
            } else {
                try place.directory.write("state.json", loss)
            }
            sink = try RunningSink(place)
            for frame in frames { #expect(try isAnswered(frame, by: sink)) }
            #expect(try place.directory.read("pool").count == 1024 && place.number("state.json", "Counter") == 0)
            #expect(sink.stop().status == 0)
        }
        sink = try RunningSink(place)
        try place.edit("targets.json") {
            $0["Address"] = "127.0.0.1:\(sink.port)"
            $0["Next"] = 0
        }
        #expect(try place.run("entropy-source", "--once").status == 0)
        #expect(try place.directory.read("pool").count == 2048 && place.number("state.json", "Counter") == 3)
        for frame in frames { #expect(try isAnswered(frame, by: sink)) }
        #expect(try place.directory.read("pool").count == 2048)
        #expect(sink.stop().status == 0)
    }

    /// One key, which version 2.0 took for two: in another form it had a counter of its own, and stayed when the first form was
    /// taken out.
    @Test(.enabled(if: haveTools("openssl"), "openssl is not installed"), arguments: [false, true])
    func aTwinOfTheKeyMixesNothingTwice(_ isRemoved: Bool) throws {
        let place = try Workplace(.host)
        try place.provision(["--algorithm", "ecdsa"])
        let catcher = try PacketCatcher()
        try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
        for number in 1...2 {
            try place.edit("targets.json") { $0.merge(["Next": 0, "Receipts": false]) { $1 } }
            #expect(try place.run("entropy-source", "--once").status == 0)
            #expect(eventually(seconds: 120) { catcher.frames.count == number })
        }
        let frame = Frame.encode(catcher.frames[1])
        try place.run("rsagen", "--software", "--algorithm", "ecdsa", "-o", "other")
        func text(_ name: String, _ point: String) throws -> String {
            try run(
                [
                    "openssl", "pkey", "-pubin", "-inform", "DER", "-in", name, "-ec_conv_form", point, "-outform",
                    "DER",
                ], in: place.directory.path
            ).output.base64EncodedString()
        }
        func entry(_ text: String, _ counter: Int) -> [String: Any] { ["Key": text, "Counter": counter] }
        var first = entry(try text("signer.pub", "uncompressed"), isRemoved ? 2 : 1)
        if isRemoved { first["Removed"] = true }
        let twin = entry(try text("signer.pub", "compressed"), 0)
        let other = entry(try text("other.pub", "uncompressed"), 0)
        try place.edit("config.json") {
            $0["Signer"] = [first, twin, other]
            $0["Counter"] = nil
        }
        let sink = try RunningSink(place)
        #expect(try isAnswered(frame, by: sink) == !isRemoved)
        #expect(try place.directory.read("pool").count == (isRemoved ? 0 : 1024))
        #expect(try isAnswered(frame, by: sink) == !isRemoved)
        #expect(sink.stop().status == 0)
        // Nor by way of the other one, which stands first now.
        if !isRemoved {
            try place.edit("config.json") { object in
                let list = object["Signer"] as? [[String: Any]] ?? []
                object["Signer"] = Array(list.reversed())
            }
            let again = try RunningSink(place)
            #expect(try isAnswered(frame, by: again))
            #expect(again.stop().status == 0)
        }
        #expect(try place.directory.read("pool").count == (isRemoved ? 0 : 1024))
    }

    /// A sink that opened its packet, signature and all, seals it to its neighbour.
    @Test(arguments: Build.available) func aPacketThatOneSinkPassesOnIsRefusedByAnother(_ build: Build) throws {
        let (place, frames) = try caught(1, build)
        let other = try Workplace(.host)
        for name in ["signer.pub", "signer.key"] { try other.directory.write(name, place.directory.read(name)) }
        try other.run("curve25519gen")
        try other.directory.write("config.json", Array(other.run("entropy-config", "-a", "127.0.0.1:0").output))
        try other.directory.write("pool", "")
        let neighbour = try RunningSink(other)
        var secret = try place.directory.read("decrypt.key")
        let opened = try Envelope.open(Array(frames[0].dropFirst(2)), with: BoxPrivateKey(moving: &secret))
        let sealed = try Envelope.seal(opened.message, to: BoxPublicKey(try other.directory.read("decrypt.pub")))
        let connection = try Socket.connect(neighbour.port)
        connection.send(Frame.encode(sealed.bytes))
        let answer = connection.receive(128)
        let receipt = try #require(Receipt(opening: Array(answer.dropFirst(2)), with: sealed.sharedKey))
        #expect(receipt.status == .wrongRecipient && receipt.counter == 0)
        #expect(neighbour.stop().status == 0)
        #expect(neighbour.log.packets(.refused) == [1], "\(neighbour.log)")
        #expect(try refused(other) == ["Recipient": 1])
        #expect(try other.directory.read("pool").isEmpty)
        #expect(try other.number("config.json", "Counter") == 0)
    }

    /// The card was written back from an old copy: the list's counters are those of then.
    @Test(arguments: Build.available) func aSourceFromAnOldBackupFindsItsWay(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision()
        let sink = try RunningSink(place)
        try place.run("entropy-target", "-a", "127.0.0.1:\(sink.port)", "--append", "targets.json")
        let backup = try place.directory.read("targets.json")
        for _ in 1...5 {
            try place.edit("targets.json") { $0.merge(["Next": 0, "Receipts": false]) { $1 } }
            #expect(try place.run("entropy-source", "--once").status == 0)
        }
        try place.directory.write("targets.json", backup)
        let source = try place.start("entropy-source", ["--scan", "1s"])
        #expect(eventually { source.errors.packets(.mixed) == [6] }, "\(source.errors)")
        #expect(source.errors.packets(.refused) == [1], "\(source.errors)")
        #expect(try place.directory.read("pool").count == 6 * 1024)
        #expect(try place.number("config.json", "Counter") == 6)
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
    }
}

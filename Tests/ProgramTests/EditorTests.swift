import Foundation
import Support
import Testing

/// An operator who edits the list while a source is at work with it.
@Suite(.enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed")) struct EditorTests {
    typealias Entry = [String: Any]

    func list(_ place: Workplace) throws -> [Entry] {
        try #require(
            try JSONSerialization.jsonObject(with: Data(place.directory.read("targets.json"))) as? [Entry])
    }

    @Test(arguments: Build.available) func noEditIsLost(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision(["--algorithm", "ecdsa"])
        let catcher = try PacketCatcher(everywhere: true)
        let key = try Data(place.directory.read("decrypt.pub")).base64EncodedString()
        func entry(_ number: Int) -> Entry { ["Address": "127.7.0.\(number):\(catcher.port)", "Public": key] }
        try place.directory.write(
            "targets.json", Array(JSONSerialization.data(withJSONObject: (1...5).map { entry($0) })))
        let source = try place.start("entropy-source", ["--scan", "1s", "--interval", "1s"])
        #expect(eventually { catcher.frames.count >= 5 }, "\(source.errors)")
        let url = URL(fileURLWithPath: place.directory.file("targets.json"))
        var notes: [String: Int] = [:]
        for edit in 1...200 {
            // As an editor does: what was opened is saved a moment later, whole, with counters that are old by then.
            var opened = try list(place)
            usleep(UInt32.random(in: 0...40_000))
            let place = Int.random(in: opened.indices)
            opened[place]["Note"] = edit
            notes[opened[place]["Address"] as? String ?? ""] = edit
            if edit % 50 == 0 {
                opened.append(entry(100 + edit / 2).merging(["Note": edit]) { $1 })
                notes["127.7.0.\(100 + edit / 2):\(catcher.port)"] = edit
            }
            let data = try JSONSerialization.data(withJSONObject: opened, options: .prettyPrinted)
            try data.write(to: url, options: edit % 2 == 0 ? .atomic : [])
            usleep(UInt32.random(in: 0...20_000))
        }
        let before = catcher.frames.count
        #expect(eventually { catcher.frames.count > before + 20 }, "\(source.errors.suffix(500))")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        let entries = try list(place)
        #expect(entries.count == 9)
        for entry in entries {
            let address = entry["Address"] as? String ?? ""
            #expect(entry["Note"] as? Int == notes[address], "\(address)")
        }
        // And no number was given twice, whatever was written into the file.
        let packets = source.errors.packets.filter { $0.fate == .unconfirmed }.map { "\($0.address) \($0.counter)" }
        #expect(packets.count > 20 && Set(packets).count == packets.count)
    }

    @Test(arguments: Build.available) func aTargetThatIsRemovedWhileItIsServedStaysRemoved(_ build: Build) throws {
        let place = try Workplace(build)
        try place.provision(["--algorithm", "ecdsa"])
        let (listener, port) = try Socket.listen()
        try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", "targets.json")
        let source = try place.start("entropy-source", ["--scan", "1s"])
        do {
            let connection = try listener.accept()
            let header = connection.receive(2)
            _ = connection.receive(Int(header[0]) << 8 | Int(header[1]))
            try place.directory.write("targets.json", "[]")
        }
        #expect(eventually { source.errors.contains("unconfirmed") }, "\(source.errors)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        #expect(try list(place).isEmpty)
    }
}

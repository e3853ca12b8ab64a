import Foundation
import Support
import Testing

/// A disk that is full, or may not be written, under the source's files, the sink's counter or the sink's pool.
@Suite(
    .enabled(if: SmallDisk.isPossible, "only root can mount a disk"),
    .enabled(if: haveTools("qemu-arm-static"), "qemu-arm-static is not installed"))
struct DiskTests {
    static let noSpace = "No space left on device"
    static let readOnly = "Read-only file system"
    /// Not the status file: a running source keeps the lock beside it open, and a disk with a file that is open for writing
    /// cannot be mounted read-only.
    static let files = ["-t", "disk/targets.json", "-s", "disk/source.seed"]

    /// A place with every file, and an empty disk in it.
    func place(_ build: Build) throws -> (Workplace, SmallDisk) {
        let place = try Workplace(build)
        try place.provision(["--algorithm", "ecdsa"])
        return (place, try SmallDisk("disk", in: place.directory))
    }

    func start(_ place: Workplace, _ arguments: [String] = files) throws -> Running {
        try place.start("entropy-source", ["--scan", "1s", "--interval", "1s"] + arguments)
    }

    func add(_ place: Workplace, _ port: UInt16, to list: String) throws {
        let added = try place.run("entropy-target", "-a", "127.0.0.1:\(port)", "--append", list)
        #expect(added.status == 0, "\(added.errors)")
    }

    /// The lines after the first `count` characters.
    func news(_ log: String, after count: Int) -> String { String(log.dropFirst(count)) }

    /// The running source finds that it cannot count any more, so it sends nothing; when it can, it does so by itself.
    func cannotCount(
        _ build: Build, _ words: String, _ arguments: [String] = files, block: (SmallDisk) throws -> Void,
        free: (SmallDisk) throws -> Void
    ) throws {
        let (place, disk) = try place(build)
        let sink = try RunningSink(place)
        try add(place, sink.port, to: "disk/targets.json")
        let source = try start(place, arguments)
        #expect(eventually { place.chunks >= 1 }, "\(source.errors)")
        let before = source.errors.count
        func complaints() -> [Substring] {
            news(source.errors, after: before).split(separator: "\n").filter {
                $0.contains("disk/targets.json") && $0.contains(words)
            }
        }
        // Twice: what was under way when the disk became so has come to its end.
        // A program that replaced a file meanwhile has freed the old one: the disk is filled again.
        let isBlocked = try eventually {
            try block(disk)
            return complaints().count >= 2
        }
        #expect(isBlocked, "\(source.errors)")
        let (list, taken) = (try place.directory.read("disk/targets.json"), sink.log.packets(.mixed))
        let earlier = complaints().count
        #expect(eventually { complaints().count >= earlier + 2 }, "\(source.errors)")
        #expect(try place.directory.read("disk/targets.json") == list)
        #expect(sink.log.packets(.mixed) == taken, "\(sink.log)")
        // A source may connect before it counts, but not a byte comes after that.
        #expect(sink.log.closings.allSatisfy { $0 == 0 }, "\(sink.log)")
        let counter = try #require(try place.number("disk/targets.json", "Counter"))
        try free(disk)
        #expect(eventually { sink.log.packets(.mixed).count > taken.count + 1 }, "\(source.errors)")
        // The next number, and none twice.
        let numbers = sink.log.packets(.mixed)
        #expect(numbers.dropFirst(taken.count).first == counter + 1, "\(numbers), \(counter)")
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "\(numbers)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        #expect(try place.directory.read("disk/source.seed").count == 64)
    }

    @Test(arguments: Build.available) func aSourceOnAFullDiskWaits(_ build: Build) throws {
        try cannotCount(build, DiskTests.noSpace, block: { $0.fill() }, free: { try $0.makeRoom() })
    }

    @Test(arguments: Build.available) func aSourceOnAReadOnlyDiskWaits(_ build: Build) throws {
        // The status file is elsewhere: while the lock beside it is open the disk would be busy.
        try cannotCount(
            build, DiskTests.readOnly, ["-t", "disk/targets.json", "-s", "disk/source.seed"],
            block: { try $0.remount(readOnly: true) },
            free: { try $0.remount(readOnly: false) })
    }

    /// Without a seed that can be replaced, the one of last time would be used again.
    @Test(arguments: Build.available) func aSourceThatCannotReplaceItsSeedDoesNotStart(_ build: Build) throws {
        let (place, disk) = try place(build)
        let catcher = try PacketCatcher()
        try add(place, catcher.port, to: "disk/targets.json")
        #expect(try place.start("entropy-source", ["--once"] + DiskTests.files).wait().status == 0)
        try place.edit("disk/targets.json") { $0["Next"] = 0 }
        let (seed, list) = (
            try place.directory.read("disk/source.seed"), try place.directory.read("disk/targets.json")
        )
        func refuses(_ words: String) throws {
            let refused = try place.start("entropy-source", ["--once"] + DiskTests.files).wait()
            #expect(refused.status == 73, "\(refused.errors)")
            let last = refused.errorLines.last ?? ""
            #expect(last.names("disk/source.seed") && last.contains(words), "\(refused.errors)")
            #expect(try place.directory.read("disk/source.seed") == seed)
            #expect(try place.directory.read("disk/targets.json") == list)
            #expect(catcher.frames.count == 1)
        }
        disk.fill()
        try refuses(DiskTests.noSpace)
        try disk.makeRoom()
        try disk.remount(readOnly: true)
        try refuses(DiskTests.readOnly)
        try disk.remount(readOnly: false)
        #expect(try place.start("entropy-source", ["--once"] + DiskTests.files).wait().status == 0)
        #expect(catcher.frames.count == 2)
        #expect(try place.directory.read("disk/source.seed") != seed)
    }

    /// Where a sink keeps what is on the full disk.
    enum Part: String, CaseIterable, CustomTestStringConvertible {
        case counter, pool
        var testDescription: String { rawValue }
        var pool: String { self == .pool ? "disk/pool" : "pool" }
        /// What its log names, and by which name its report counts it.
        var file: String { self == .pool ? "disk/pool" : "disk/counter.json" }
        var refusal: String { self == .pool ? "Pool" : "Storage" }
    }

    /// Packets that the sink did not mix, by reason.
    func refused(_ place: Workplace) throws -> [String: Int] {
        let json = try place.run("entropy-sink", "--status", "--json").output
        let report = try JSONSerialization.jsonObject(with: json) as? [String: Any]
        return try #require((report?["Signers"] as? [[String: Any]])?.first?["Refused"] as? [String: Int])
    }

    /// A sink with that part on the disk.
    func sink(_ place: Workplace, _ part: Part) throws -> RunningSink {
        switch part {
        case .counter: try place.edit("config.json") { $0["State"] = "disk/counter.json" }
        // Empty: a page that the pool has already would hold more chunks.
        case .pool: try place.directory.write("disk/pool", "")
        }
        return try RunningSink(place, pool: part.pool)
    }

    @Test(arguments: Build.available, Part.allCases)
    func aSinkOnAFullDiskSaysSoAndRecovers(_ build: Build, _ part: Part) throws {
        let (place, disk) = try place(build)
        let sink = try sink(place, part)
        disk.fill()
        try add(place, sink.port, to: "targets.json")
        let source = try start(place, [])
        #expect(eventually { source.errors.packets(.refused).first == 1 }, "\(source.errors)")
        let packet = try #require(sink.log.packets.first)
        #expect(packet.counter == 1 && packet.fate == .notMixed, "\(sink.log)")
        #expect(packet.line.names(part.file) && packet.line.contains(DiskTests.noSpace), "\(sink.log)")
        #expect(try part == .counter || place.number("config.json", "Counter") == 1)
        #expect(try place.directory.read(part.pool).isEmpty)
        // Tried again later, with another packet each time, and none of them is mixed.
        #expect(eventually { source.errors.packets(.refused).prefix(2) == [1, 2] }, "\(source.errors)")
        #expect(try eventually { try refused(place)[part.refusal] ?? 0 >= 2 }, "\(sink.log)")
        #expect(try place.directory.read(part.pool).isEmpty)
        #expect(sink.running.process.isRunning)
        try disk.makeRoom()
        #expect(eventually { !sink.log.packets(.mixed).isEmpty }, "\(source.errors)\(sink.log)")
        #expect(try #require(sink.log.packets(.mixed).first) > 2)
        #expect(eventually { !source.errors.packets(.mixed).isEmpty }, "\(source.errors)")
        source.signal(SIGTERM)
        #expect(source.wait().status == 0)
        #expect(sink.stop().status == 0)
        #expect(try place.directory.read(part.pool).count == 1024 * sink.log.packets(.mixed).count)
        let counter = try place.number(part == .counter ? "disk/counter.json" : "config.json", "Counter")
        #expect(counter == sink.log.packets(.mixed).last)
    }

    /// A packet that could not be mixed is not mixed when there is room again: whoever recorded it has no use for it.
    @Test(arguments: Part.allCases) func aCounterThatWasSpentStaysSpent(_ part: Part) throws {
        let (place, disk) = try place(.host)
        let sink = try sink(place, part)
        let catcher = try PacketCatcher()
        try add(place, catcher.port, to: "targets.json")
        for number in 1...3 {
            // It gives no receipts, and says so.
            try place.edit("targets.json") {
                $0["Next"] = 0
                $0["Receipts"] = false
            }
            #expect(try place.run("entropy-source", "--once").status == 0)
            #expect(eventually { catcher.frames.count == number })
        }
        func chunks(after number: Int) throws -> Int {
            let connection = try Socket.connect(sink.port)
            let frame = catcher.frames[number - 1]
            connection.send([UInt8(frame.count >> 8), UInt8(frame.count & 0xff)] + frame)
            #expect(connection.receive(1).count == 1, "\(sink.log)")
            return try place.directory.read(part.pool).count / 1024
        }
        disk.fill()
        #expect(try chunks(after: 2) == 0)
        #expect(eventually { sink.log.packets(.notMixed) == [2] }, "\(sink.log)")
        try disk.makeRoom()
        #expect(try chunks(after: 2) == 0)
        #expect(try chunks(after: 1) == 0)
        #expect(try chunks(after: 3) == 1, "\(sink.log)")
        #expect(sink.stop().status == 0)
        #expect(sink.log.packets(.mixed) == [3], "\(sink.log)")
        #expect(try refused(place).filter { $0.value > 0 } == [part.refusal: 1, "Counter": 2])
    }

    /// What cannot store a counter does not listen.
    @Test(arguments: [true, false]) func aSinkOnAReadOnlyDiskDoesNotStart(_ ownFile: Bool) throws {
        let (place, disk) = try place(.host)
        if ownFile {
            try place.edit("config.json") { $0["State"] = "disk/counter.json" }
        } else {
            try place.directory.write("disk/config.json", place.directory.read("config.json"))
        }
        let arguments = ["--pool", "pool"] + (ownFile ? [] : ["-f", "disk/config.json"])
        try disk.remount(readOnly: true)
        let refused = try place.start("entropy-sink", arguments).wait()
        #expect(refused.status == 73, "\(refused.errors)")
        let last = refused.errorLines.last ?? ""
        #expect(last.hasPrefix("entropy-sink: "), "\(last)")
        #expect(last.names(ownFile ? "disk/counter.json" : "disk/config.json"), "\(last)")
        #expect(last.contains(DiskTests.readOnly), "\(last)")
        try disk.remount(readOnly: false)
        let sink = try place.start("entropy-sink", arguments)
        try sink.listeningPort()
    }

    /// A pool that may not be written is found at the start, not with the first packet.
    @Test func aSinkWithAReadOnlyPoolDoesNotStart() throws {
        let (place, disk) = try place(.host)
        try place.directory.write("disk/pool", "")
        try disk.remount(readOnly: true)
        let refused = try place.start("entropy-sink", ["--pool", "disk/pool"]).wait()
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(refused.errorLines.last?.names("disk/pool") == true, "\(refused.errors)")
    }
}

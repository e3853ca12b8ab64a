import EntropyCrypto
import EntropyState
import Platform

extension Report {
    /// One JSON object: `Targets`, with `Address`, `Public`, `Status`, `Reason`, `Counter`, `Bytes`, `Time` and what is known from
    /// earlier deliveries each, and `Noise`, with `Name`, `Health`, `Bytes`, `Failures` and `Reason` each.
    public func encode() -> [UInt8] { encode([("Started", started), ("Written", written)], isRunning: nil) }

    /// The same for who asks at the time `now`, with whether the source runs, where that can be seen.
    public func encode(now: Int64, isRunning: Bool?) -> [UInt8] {
        encode([("Started", started), ("Written", written), ("Now", now)], isRunning: isRunning)
    }

    private func encode(_ times: [(StaticString, Int64?)], isRunning: Bool?) -> [UInt8] {
        var start = "{\n"
        for (name, time) in times { if let time { start += "\t\"\(name.description)\": \(time),\n" } }
        if let isRunning { start += "\t\"Running\": \(isRunning ? "true" : "false"),\n" }
        var targets = JSONList.Writer(after: Array("\(start)\t\"Targets\": ".utf8))
        for entry in entries {
            let element = JSONDocument(empty: .object)
            let object = element.value
            object.set("Address", entry.identity.address)
            object.set("Public", Base64.encode(entry.identity.publicKey.bytes))
            object.set("Status", entry.status.word.description)
            if !entry.reason.isEmpty { object.set("Reason", entry.reason) }
            object.set("Counter", entry.counter)
            object.set("Bytes", entry.bytes)
            object.set("Time", entry.time)
            entry.memory.write(to: object)
            targets.append(element)
        }
        var text = targets.end()
        guard !noise.isEmpty else { return text + Array("\n}\n".utf8) }
        text += Array(",\n\t\"Noise\": ".utf8)
        var sources = JSONList.Writer(after: text)
        for one in noise {
            let element = JSONDocument(empty: .object)
            let object = element.value
            object.set("Name", one.name)
            object.set("Health", one.status.word.description)
            object.set("Bytes", one.bytes)
            object.set("Failures", one.failures)
            if !one.reason.isEmpty { object.set("Reason", one.reason) }
            sources.append(element)
        }
        return sources.end() + Array("\n}\n".utf8)
    }
}

extension Report {
    /// Bytes of the file at the most: tens of thousands of sinks, as the list has.
    private static let maximumSize = 32 << 20

    private static let expectation = "an object that entropy-source wrote"

    /// What a running source wrote.
    public init(reading path: String) throws(StateError) {
        try self.init(
            try FieldReader(reading: path, limit: Report.maximumSize, expecting: Report.expectation))
    }

    /// The same, of what was read already.
    package init(decoding bytes: [UInt8], file: String) throws(StateError) {
        try self.init(try FieldReader(decoding: bytes, file: file, expecting: Report.expectation))
    }

    private init(_ reader: FieldReader) throws(StateError) {
        guard let list = reader.object["Targets"]?.elements else { throw reader.wrong("Targets", "a list") }
        started = try reader.integer("Started")
        written = try reader.integer("Written")
        for (place, element) in list.enumerated() {
            let item = FieldReader(file: reader.file, prefix: "entry \(place + 1), ", object: element)
            let bytes = try item.requiredBytes("Public")
            guard let key = try? BoxPublicKey(bytes) else { throw item.wrong("Public", "32 bytes in base64") }
            let word = try item.required("Status", try item.string("Status"))
            guard let status = Status.allCases.first(where: { Text.areEqual(word, $0.word.description) })
            else {
                throw item.wrong(
                    "Status", "mixed, unconfirmed, refused, unreachable, failed, silent, foreign or waiting")
            }
            note(
                Entry(
                    identity: Target.Identity(try item.required("Address", try item.string("Address")), key),
                    status: status, reason: try item.string("Reason") ?? "", counter: try item.integer("Counter") ?? 0,
                    bytes: try item.integer("Bytes") ?? 0, time: try item.integer("Time") ?? 0,
                    memory: try Memory(item), isOfThisRun: false))
        }
        // Earlier versions wrote none.
        guard let sources = reader.object["Noise"] else { return }
        guard let sources = sources.elements else { throw reader.wrong("Noise", "a list") }
        for (place, element) in sources.enumerated() {
            noise.append(
                try Noise(FieldReader(file: reader.file, prefix: "noise source \(place + 1), ", object: element)))
        }
    }

    /// What an earlier run wrote; nil where there is no file, or an empty one. Fails where there is anything else.
    static func earlier(at path: String) throws(StateError) -> Report? {
        guard Path.exists(path) else { return nil }
        let bytes = try StateFile.contents(of: path, limit: Report.maximumSize)
        return bytes.isEmpty ? nil : try Report(decoding: bytes, file: path)
    }

    /// Replaces the file.
    func write(to path: String) throws(StateError) {
        let file = try StateFile.locked(path)
        // Not read before: nobody else has anything to say here.
        do throws(SystemError) { _ = try file.replace(with: encode()) } catch { throw .file(error) }
    }
}

extension Report.Noise {
    fileprivate init(_ item: FieldReader) throws(StateError) {
        name = try item.required("Name", try item.string("Name"))
        let word = try item.required("Health", try item.string("Health"))
        guard let status = NoiseStatus.allCases.first(where: { Text.areEqual(word, $0.word.description) })
        else {
            throw item.wrong("Health", "healthy, starting, unavailable, failed or given up")
        }
        self.status = status
        bytes = try item.integer("Bytes") ?? 0
        failures = try item.integer("Failures") ?? 0
        reason = try item.string("Reason") ?? ""
    }
}

extension Report.Memory {
    func write(to object: JSONValue) {
        if let served { object.set("LastServed", served) }
        if let next { object.set("Next", next) }
        if let written { object.set("NextWritten", written) }
        if givesReceipts { object.set("Receipts", boolean: true) }
        if unconfirmed > 0 { object.set("Unconfirmed", unconfirmed) }
        if isSmall { object.set("SmallSegments", boolean: true) }
    }

    /// Earlier versions wrote none of it.
    init(_ item: FieldReader) throws(StateError) {
        served = try item.integer("LastServed")
        next = try item.integer("Next")
        written = try item.integer("NextWritten")
        givesReceipts = try item.boolean("Receipts") ?? false
        unconfirmed = max(0, try item.integer("Unconfirmed") ?? 0)
        isSmall = try item.boolean("SmallSegments") ?? false
    }
}

import EntropyCrypto
import Platform

/// The file with a source's sinks. Every change is made to the file as it is at that moment, under a lock: what an
/// operator edited meanwhile stays, an entry that is gone is not brought back.
public struct TargetList: Sendable {
    /// Bytes of a list at the most: thousands of sinks.
    static let maximumSize = 4 << 20

    public let path: String

    public init(_ path: String) { self.path = path }

    /// All entries, or the first thing that is wrong with one of them.
    public func load() throws(StateError) -> [Target] {
        try read(try StateFile.contents(of: path, limit: TargetList.maximumSize))
    }

    /// All entries of a list that was read already.
    package func read(_ bytes: [UInt8]) throws(StateError) -> [Target] {
        let targets = try parse(bytes).targets
        for (place, target) in targets.enumerated() { try judge(target, at: place, in: targets) }
        return targets
    }

    /// Counts one packet for `target` and returns its number, stored durably before anyone sees it. Nil when the entry is
    /// no longer in the list. Refuses to go beyond 2⁶³−1.
    public func advanceCounter(of target: Target) throws(StateError) -> Int64? {
        try update(target) { (entry, object) throws(StateError) in
            guard entry.counter < .max else { throw .counterExhausted(file: path, address: target.address) }
            object.set("Counter", entry.counter + 1)
            return entry.counter + 1
        }
    }

    /// Moves the counter of `target` forward to `counter`; never back.
    public func raiseCounter(of target: Target, to counter: Int64) throws(StateError) {
        _ = try update(target) { (entry, object) throws(StateError) in
            guard counter > entry.counter else { return nil }
            object.set("Counter", counter)
            return counter
        }
    }

    /// Sets the time of the next packet for `target`, unless someone has changed it since `target` was read.
    public func setNext(of target: Target, to time: Int64) throws(StateError) {
        _ = try update(target) { (entry, object) throws(StateError) in
            guard entry.next == target.next else { return nil }
            object.set("Next", time)
            return time
        }
    }

    /// Adds an entry at the end. A missing file becomes a list of this one entry; a sink that is in the list already is
    /// refused.
    public func append(_ target: Target) throws(StateError) {
        let file = try StateFile.locked(path)
        var document = JSONDocument(empty: .array)
        if let bytes = try file.contents(limit: TargetList.maximumSize) {
            let parsed = try parse(bytes)
            if let place = parsed.targets.firstIndex(where: { $0.isSameEntry(as: target) }) {
                throw StateError.content(
                    file: path, field: "entry \(place + 1)",
                    expected: "another Address or Public than the new entry's: it is in the list already")
            }
            document = parsed.document
        }
        target.write(to: document.value.appendObject())
        try file.save(document, limit: TargetList.maximumSize)
    }

    /// Changes one entry of the file as it is now; `change` returns nil to leave it alone.
    private func update(
        _ target: Target, _ change: (Target, JSONValue) throws(StateError) -> Int64?
    ) throws(StateError) -> Int64? {
        let file = try StateFile.locked(path)
        guard let bytes = try file.contents(limit: TargetList.maximumSize) else {
            throw .file(SystemError.missing(path))
        }
        let (document, targets) = try parse(bytes)
        guard
            let place = targets.firstIndex(where: { $0.isSameEntry(as: target) }),
            let elements = document.value.elements,
            let value = try change(targets[place], elements[place])
        else { return nil }
        try file.save(document, limit: TargetList.maximumSize)
        return value
    }

    /// What needs to be looked at once, not with every counter: two entries would share one counter, or the key is none.
    private func judge(_ target: Target, at place: Int, in targets: [Target]) throws(StateError) {
        if let earlier = targets[..<place].firstIndex(where: { $0.isSameEntry(as: target) }) {
            throw .content(
                file: path, field: "entry \(place + 1)",
                expected: "another Address or Public than entry \(earlier + 1) has: they would share one counter")
        }
        do throws(CryptoError) {
            try target.publicKey.requireUsable()
        } catch {
            throw .content(file: path, field: "entry \(place + 1), Public", expected: "a key, but \(error.message)")
        }
    }

    private func parse(_ bytes: [UInt8]) throws(StateError) -> (document: JSONDocument, targets: [Target]) {
        let document = try JSONDocument(parsing: bytes, file: path)
        guard let elements = document.value.elements else {
            throw .content(file: path, field: "", expected: "an array of targets")
        }
        var targets: [Target] = []
        for (place, element) in elements.enumerated() {
            guard element.kind == .object else {
                throw .content(file: path, field: "entry \(place + 1)", expected: "an object with Address and Public")
            }
            let target = try Target(FieldReader(file: path, prefix: "entry \(place + 1), ", object: element))
            targets.append(target)
        }
        return (document, targets)
    }
}

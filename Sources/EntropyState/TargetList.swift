import EntropyCrypto
import Platform

/// The file with a source's sinks. Every change is made to the file as it is at that moment, under a lock: what an
/// operator edited meanwhile stays, an entry that is gone is not brought back.
public struct TargetList: Sendable {
    /// Bytes of a list at the most: tens of thousands of sinks.
    static let maximumSize = 16 << 20

    public let path: String

    public init(_ path: String) { self.path = path }

    /// All entries, or the first thing that is wrong with one of them.
    public func load() throws(StateError) -> [Target] {
        try StateFile.patiently { () throws(StateError) in
            try read(try StateFile.contents(of: path, limit: TargetList.maximumSize))
        }
    }

    /// All entries of a list that was read already.
    package func read(_ bytes: [UInt8]) throws(StateError) -> [Target] {
        let targets = try parse(bytes).targets
        // What needs to be looked at once, not with every counter: two entries would share one counter, or the key is none.
        _ = try places(of: targets)
        for (place, target) in targets.enumerated() {
            do throws(CryptoError) {
                try target.publicKey.requireUsable()
            } catch {
                throw .content(file: path, field: "entry \(place + 1), Public", expected: "a key, but \(error.message)")
            }
        }
        return targets
    }

    /// Shows that counters can be stored, before anybody is connected to in vain: replaces the list with its own contents.
    public func claim() throws(StateError) {
        try StateFile.change(path, limit: TargetList.maximumSize) { (bytes) throws(StateError) in
            guard let bytes else { throw .file(SystemError.missing(path)) }
            return Change(contents: bytes, result: ())
        }
    }

    /// The number of the next packet for a target.
    public enum Numbered: Sendable, Equatable {
        case counter(Int64)
        /// The entry is no longer in the list.
        case gone
        /// The counter is at 2⁶³−1: there is no next one.
        case exhausted
    }

    /// Counts one packet for each of `targets` and returns their numbers, stored durably, in one step, before anyone sees
    /// them. `given` knows the last number that was given to a target: an editor that was opened before may have put an
    /// older one into the file.
    public func number(
        _ targets: [Target], given: (Target) -> Int64? = { _ in nil }
    ) throws(StateError) -> [Numbered] {
        try change(targets) { entry, _ in
            guard let entry else { return .gone }
            let counter = max(entry.target.counter, given(entry.target) ?? .min)
            guard counter < .max else { return .exhausted }
            entry.set("Counter", counter + 1)
            return .counter(counter + 1)
        }
    }

    /// What is to be written down of a target.
    public struct Note: Sendable {
        let target: Target
        let next: Int64?
        let counter: Int64?

        /// The time of its next packet, unless someone has changed it since `target` was read.
        public static func next(_ time: Int64, of target: Target) -> Note {
            Note(target: target, next: time, counter: nil)
        }

        /// A counter to move forward to; never back.
        public static func counter(_ counter: Int64, of target: Target) -> Note {
            Note(target: target, next: nil, counter: counter)
        }
    }

    /// Writes down what is known of several targets, in one step; of those that are gone nothing.
    public func write(_ notes: [Note]) throws(StateError) {
        _ = try change(notes.map { $0.target }) { entry, place in
            let note = notes[place]
            guard let entry else { return }
            if let next = note.next, entry.target.next == note.target.next { entry.set("Next", next) }
            if let counter = note.counter, counter > entry.target.counter { entry.set("Counter", counter) }
        }
    }

    /// Adds an entry at the end. A missing file becomes a list of this one entry; a sink that is in the list already is
    /// refused.
    public func append(_ target: Target) throws(StateError) {
        try StateFile.change(path, limit: TargetList.maximumSize) { (bytes) throws(StateError) in
            var document = JSONDocument(empty: .array)
            if let bytes {
                let parsed = try parse(bytes)
                if let place = parsed.targets.firstIndex(where: { $0.identity == target.identity }) {
                    throw StateError.content(
                        file: path, field: "entry \(place + 1)",
                        expected: "another Address or Public than the new entry's: it is in the list already")
                }
                document = parsed.document
            }
            target.write(to: document.value.appendObject())
            return Change(contents: document.encode(), result: ())
        }
    }

    /// An entry as it stands in the file now.
    private final class Entry {
        let target: Target
        private let object: JSONValue
        private(set) var isChanged = false

        init(_ target: Target, _ object: JSONValue) {
            self.target = target
            self.object = object
        }

        func set(_ member: StaticString, _ value: Int64) {
            object.set(member, value)
            isChanged = true
        }
    }

    /// Changes entries of the file as it is now; `change` is called for each of `targets`, with nil for one that is gone, and
    /// its place among them.
    private func change<Result>(
        _ targets: [Target], _ change: (Entry?, Int) -> Result
    ) throws(StateError) -> [Result] {
        try StateFile.change(path, limit: TargetList.maximumSize) { (bytes) throws(StateError) in
            guard let bytes else { throw .file(SystemError.missing(path)) }
            let (document, found) = try parse(bytes)
            let places = try places(of: found)
            let elements = document.value.elements ?? []
            let entries = targets.map { target in
                places[target.identity].map { Entry(found[$0], elements[$0]) }
            }
            let results = entries.enumerated().map { change($1, $0) }
            let isChanged = entries.contains { $0?.isChanged == true }
            return Change(contents: isChanged ? document.encode() : nil, result: results)
        }
    }

    /// Where each entry stands. Refuses two that are the same.
    private func places(of targets: [Target]) throws(StateError) -> [Target.Identity: Int] {
        var places: [Target.Identity: Int] = [:]
        for (place, target) in targets.enumerated() {
            guard let earlier = places.updateValue(place, forKey: target.identity) else { continue }
            throw .content(
                file: path, field: "entry \(place + 1)",
                expected: "another Address or Public than entry \(earlier + 1) has: they would share one counter")
        }
        return places
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

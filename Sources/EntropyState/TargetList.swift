import EntropyCrypto
import Platform

/// The file with a source's sinks. Every change is made to the file as it is at that moment, under a lock: what an
/// operator edited meanwhile stays, an entry that is gone is not brought back.
public struct TargetList: Sendable {
    /// Bytes of a list at the most: tens of thousands of sinks.
    static let maximumSize = 16 << 20

    public let path: String

    public init(_ path: String) { self.path = path }

    /// All entries, or the first thing that is wrong with one of them. Whose keys were `judged` before need not be judged again:
    /// on a board that takes milliseconds for each.
    public func load(judged: Set<Target.Identity> = []) throws(StateError) -> [Target] {
        try StateFile.patiently { () throws(StateError) in
            try read(try StateFile.contents(of: path, limit: TargetList.maximumSize), judged: judged)
        }
    }

    /// A line for each member that is hardly meant: one without a meaning, or one that an entry has twice; at most ten lines.
    public func remarks() throws(StateError) -> [String] {
        let bytes = try StateFile.contents(of: path, limit: TargetList.maximumSize)
        var lines = JSONLexicon.doubleLines(in: bytes, file: path)
        try forEach(in: bytes) { (place, _, document) throws(StateError) in
            let reader = FieldReader(file: path, prefix: "entry \(place + 1), ", object: document.value)
            lines += reader.strangers(among: Target.members)
        }
        guard lines.count > 10 else { return lines }
        return lines.prefix(9) + ["\(path): \(lines.count - 9) more of the kind"]
    }

    /// All entries of a list that was read already.
    package func read(_ bytes: [UInt8], judged: Set<Target.Identity> = []) throws(StateError) -> [Target] {
        var targets: [Target] = []
        var places: [Target.Identity: Int] = [:]
        try forEach(in: bytes) { (place, target, _) throws(StateError) in
            // What needs to be looked at once, not with every counter: whether the key is one.
            do throws(CryptoError) {
                if !judged.contains(target.identity) { try target.publicKey.requireUsable() }
            } catch {
                throw .content(file: path, field: "entry \(place + 1), Public", expected: "a key, but \(error.message)")
            }
            if let earlier = places.updateValue(place, forKey: target.identity) { throw twice(place, earlier) }
            targets.append(target)
        }
        return targets
    }

    /// Shows that counters can be stored, before anybody is connected to in vain: replaces the list with its own contents.
    public func claim(knowing version: inout KnownVersion) throws(StateError) {
        try StateFile.change(path, limit: TargetList.maximumSize, knowing: &version) { (bytes) throws(StateError) in
            guard let bytes else { throw .file(SystemError.missing(path)) }
            return Change(contents: bytes, result: ())
        }
    }

    /// True while the list is as the last change left it.
    public func isCurrent(_ version: KnownVersion) -> Bool { version.isCurrent(path) }

    /// The number of the next packet for a target.
    public enum Numbered: Sendable, Equatable {
        case counter(Int64)
        /// The entry is no longer in the list.
        case gone
        /// The counter is at 2⁶³−1: there is no next one.
        case exhausted
    }

    /// Counts one packet for each of `targets` and returns their numbers, stored durably, in one step, before anyone sees
    /// them; writes down `notes` in the same step. `given` knows the last number that was given to a target: an editor that was
    /// opened before may have put an older one into the file. `reserved` knows one that was counted before and not given: it
    /// is still good where it stands in the file, and nobody has counted further.
    public func number(
        _ targets: [Target], noting notes: [Note] = [], knowing version: inout KnownVersion,
        given: (Target) -> Int64?, reserved: (Target) -> Int64? = { _ in nil }
    ) throws(StateError) -> [Numbered] {
        var numbers: [Numbered] = []
        try change(notes.map { $0.target } + targets, knowing: &version) {
            // Asked again when an editor was faster.
            numbers = [Numbered](repeating: .gone, count: targets.count)
        } change: { entry, place in
            guard place >= notes.count else { return entry.write(notes[place]) }
            let target = targets[place - notes.count]
            numbers[place - notes.count] = entry.number(after: given(target), reserved: reserved(target))
        }
        return numbers
    }

    /// Writes down what is known of several targets, in one step; of those that are gone nothing.
    public func write(_ notes: [Note], knowing version: inout KnownVersion) throws(StateError) {
        _ = try number([], noting: notes, knowing: &version, given: { _ in nil })
    }

    /// Adds an entry at the end. A missing file becomes a list of this one entry; a sink that is in the list already is
    /// refused.
    public func append(_ target: Target) throws(StateError) {
        try StateFile.change(path, limit: TargetList.maximumSize) { (bytes) throws(StateError) in
            var list = JSONList.Writer(capacity: (bytes?.count ?? 0) + TargetList.growth)
            if let bytes {
                try forEach(in: bytes) { (place, found, document) throws(StateError) in
                    guard found.identity != target.identity else {
                        throw StateError.content(
                            file: path, field: "entry \(place + 1)",
                            expected: "another Address or Public than the new entry's: it is in the list already")
                    }
                    list.append(document)
                }
            }
            let entry = JSONDocument(empty: .object)
            target.write(to: entry.value)
            list.append(entry)
            return Change(contents: list.end(), result: ())
        }
    }

    /// Changes entries of the file as it is now. `begin` is called each time before it is gone through, then `change` for each
    /// entry that is one of `targets`, with its place among them; not for those that are gone. A target may be there twice.
    private func change(
        _ targets: [Target], knowing version: inout KnownVersion, begin: () -> Void,
        change: (inout TargetEntry, Int) -> Void
    ) throws(StateError) {
        let wanted = WantedTargets(targets)
        try StateFile.change(path, limit: TargetList.maximumSize, knowing: &version) { (bytes) throws(StateError) in
            guard let bytes else { throw .file(SystemError.missing(path)) }
            begin()
            var list = JSONList.Writer(capacity: bytes.count + (targets.count + 1) * TargetList.growth)
            var found = [Int?](repeating: nil, count: targets.count)
            var isChanged = false
            try forEach(in: bytes) { (place, target, document) throws(StateError) in
                if let first = wanted.first(target.identity) {
                    // Two entries that share one counter; the others are looked at when the list is loaded.
                    if let earlier = found[first] { throw twice(place, earlier) }
                    found[first] = place
                    var entry = TargetEntry(target, document)
                    wanted.forEach(from: first) { change(&entry, $0) }
                    isChanged = isChanged || entry.isChanged
                }
                list.append(document)
            }
            return Change(contents: isChanged ? list.end() : nil, result: ())
        }
    }

    /// Bytes that an entry grows by at the most when it is changed, or that a new one mostly has.
    private static let growth = 128

    private func twice(_ place: Int, _ earlier: Int) -> StateError {
        .content(
            file: path, field: "entry \(place + 1)",
            expected: "another Address or Public than entry \(earlier + 1) has: they would share one counter")
    }

    /// Every entry, with its place, in turn.
    private func forEach(
        in bytes: [UInt8], _ body: (Int, Target, JSONDocument) throws(StateError) -> Void
    ) throws(StateError) {
        try JSONList.read(bytes, file: path, expecting: "an array of targets") {
            (place, document) throws(StateError) in
            guard document.value.kind == .object else {
                throw .content(file: path, field: "entry \(place + 1)", expected: "an object with Address and Public")
            }
            let reader = FieldReader(file: path, prefix: "entry \(place + 1), ", object: document.value)
            try body(place, try Target(reader), document)
        }
    }
}

/// An entry of a list as it stands in the file now, while the list is changed.
struct TargetEntry {
    /// What was found.
    let target: Target
    private let document: JSONDocument
    private var counter: Int64
    private(set) var isChanged = false

    init(_ target: Target, _ document: JSONDocument) {
        self.target = target
        self.document = document
        counter = target.counter
    }

    /// Counts a packet: beyond `given` too, the last number that is known to be given, unless `reserved`, which is not, is
    /// just what stands there.
    mutating func number(after given: Int64?, reserved: Int64?) -> TargetList.Numbered {
        if let reserved, reserved == counter { return .counter(reserved) }
        let last = max(counter, given ?? .min)
        guard last < .max else { return .exhausted }
        setCounter(last + 1)
        return .counter(last + 1)
    }

    /// Someone who changed the time since `target` was read knows better than the note.
    mutating func write(_ note: TargetList.Note) {
        if let next = note.next, target.next == note.target.next {
            document.value.set("Next", next)
            isChanged = true
        }
        if let noted = note.counter, noted > counter { setCounter(noted) }
    }

    private mutating func setCounter(_ value: Int64) {
        counter = value
        document.value.set("Counter", value)
        isChanged = true
    }
}

extension TargetList {
    /// What is to be written down of a target.
    public struct Note: Sendable {
        package let target: Target
        package let next: Int64?
        package let counter: Int64?

        /// The time of its next packet, unless someone has changed it since `target` was read.
        public static func next(_ time: Int64, of target: Target) -> Note {
            Note(target: target, next: time, counter: nil)
        }

        /// A counter to move forward to; never back.
        public static func counter(_ counter: Int64, of target: Target) -> Note {
            Note(target: target, next: nil, counter: counter)
        }
    }
}

/// Targets that are looked for in a list, and found by what identifies them. One may be there several times.
struct WantedTargets {
    private var first: [Target.Identity: Int] = [:]
    /// The next place of the same target.
    private var following: [Int?]

    init(_ targets: [Target]) {
        following = [Int?](repeating: nil, count: targets.count)
        first.reserveCapacity(targets.count)
        // From the end, so that places come in their order.
        for place in targets.indices.reversed() {
            following[place] = first.updateValue(place, forKey: targets[place].identity)
        }
    }

    /// The first place of a target; nil for one that is not wanted.
    func first(_ identity: Target.Identity) -> Int? { first[identity] }

    func forEach(from first: Int, _ body: (Int) -> Void) {
        var place: Int? = first
        while let current = place {
            body(current)
            place = following[current]
        }
    }
}

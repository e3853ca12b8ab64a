import EntropyPacket
import EntropyState
import Platform

/// The list as a running source writes it. Each change writes the whole file anew and waits for the medium: done for every few
/// packets, that would take longer than the packets where there are thousands of entries. So what was delivered is gathered,
/// and written with the next numbers; and in a long list numbers are counted ahead for those who come next. Where all
/// are due at once, it is then written some eight times, however long it is; where a few are due at each look, twice a look.
///
/// What holds nevertheless: a number is on the medium before it is given, and none is given twice, for one that was counted
/// and not given is lost with the program. Somebody else's change is honoured at once: before numbers are given that were
/// counted ahead, it is looked at whether the file is still the one that was written here. What was delivered is written down
/// within a second, and one more for each thousand entries, or when it is a quarter of them, and before the program rests or ends: one that is killed in
/// between sends those sinks another packet when it is started again.
final class TargetLedger {
    let list: TargetList
    private let clock: Clock
    private var version = KnownVersion()
    /// How many entries the list had when it was last read, and which: their keys are good.
    private var count = 0
    private var judged: Set<Target.Identity> = []
    /// The last number of each target in this run: none is given twice, whatever an editor writes into the list. Those that
    /// leave the list stay here: they may come back with the counter of then.
    private var given: [Target.Identity: Int64] = [:]
    /// What was found for those whose turn is still to come.
    private var reserved: [Target.Identity: TargetList.Numbered] = [:]
    /// The last write succeeded.
    private var isWritable = false
    private var notes: [TargetList.Note] = []
    /// When the first of the notes was taken.
    private var notesSince: Int64 = 0
    /// How often the list was written.
    private(set) var writings = 0

    /// The part of a long list that is put together, and how many entries make it long. Below, numbers are not counted ahead,
    /// so that each one in the list is that of a packet, and one that nobody takes packets from has none: to write so few
    /// entries for the packets that are made together is less than what these take.
    private static let part = 8
    private static let leastCount = 1024
    /// Notes that are written down although nobody is numbered: a quarter of the list, and not so few that they are written one by one.
    private static let leastNotes = 32
    /// Milliseconds after which notes are written down, and one more for each entry of the list, so that the list is not
    /// written most of the time where packets are few and far between.
    private static let delay: Int64 = 1000

    init(_ list: TargetList, clock: Clock) {
        self.list = list
        self.clock = clock
    }

    /// All entries.
    func load() throws(StateError) -> [Target] {
        let targets = try list.load(judged: judged)
        count = targets.count
        judged = Set(targets.map { $0.identity })
        return targets
    }

    /// Shows that counters can be stored. Of a long list it is enough that the last time they could: to write it is a megabyte or
    /// more, at each look at which somebody is due.
    func claim() throws(StateError) {
        guard !(isWritable && count >= TargetLedger.leastCount && list.isCurrent(version)) else { return }
        try writing { () throws(StateError) in try list.claim(knowing: &version) }
        heedOthers()
    }

    private func writing<R>(_ body: () throws(StateError) -> R) throws(StateError) -> R {
        isWritable = false
        let result = try body()
        isWritable = true
        return result
    }

    /// The number of the next packet for each of `targets`, which is on the medium. `upcoming` gives those who come next, as
    /// many as it is asked for.
    func number(
        _ targets: [Target], upcoming: (Int) -> [Target]
    ) throws(StateError) -> [TargetList.Numbered] {
        if !reserved.isEmpty, !list.isCurrent(version) { reserved = [:] }
        if targets.contains(where: { reserved[$0.identity] == nil }) {
            try reserve(targets + (count < TargetLedger.leastCount ? [] : upcoming(count / TargetLedger.part)))
        }
        return targets.map { target in
            // Who is not found is gone.
            let number = reserved.removeValue(forKey: target.identity) ?? .gone
            if case .counter(let counter) = number { given[target.identity] = counter }
            return number
        }
    }

    private func reserve(_ targets: [Target]) throws(StateError) {
        let numbers = try writing { () throws(StateError) in
            try list.number(
                targets, noting: notes, knowing: &version, given: { given[$0.identity] },
                reserved: { target in
                    if case .counter(let counter) = reserved[target.identity] { counter } else { nil }
                })
        }
        heedOthers()
        for (target, number) in zip(targets, numbers) { reserved[target.identity] = number }
        written()
    }

    /// What was counted ahead is no longer sure once somebody else has written the list.
    private func heedOthers() {
        if !version.wasCurrent { reserved = [:] }
    }

    private func written() {
        writings += 1
        notes = []
    }

    /// Has something written down with what else is to be.
    func note(_ note: TargetList.Note) {
        if notes.isEmpty { notesSince = clock.milliseconds() }
        notes.append(note)
        guard let counter = note.counter else { return }
        // Whatever becomes of the note, and whatever was counted ahead before it was known.
        given[note.target.identity] = max(counter, given[note.target.identity] ?? counter)
        reserved[note.target.identity] = nil
    }

    var hasNotes: Bool { !notes.isEmpty }

    /// When the notes have to be written down. Mostly they go with the next numbers before that; nil where there are none.
    var due: Int64? {
        guard hasNotes else { return nil }
        guard notes.count < max(TargetLedger.leastNotes, 2 * count / TargetLedger.part) else { return notesSince }
        return saturatingSum(notesSince, TargetLedger.delay + Int64(count))
    }

    /// Writes the notes down. Those that cannot be written are dropped: this run knows what they say.
    func write() throws(StateError) {
        guard hasNotes else { return }
        defer { notes = [] }
        try writing { () throws(StateError) in try list.write(notes, knowing: &version) }
        heedOthers()
        written()
    }
}

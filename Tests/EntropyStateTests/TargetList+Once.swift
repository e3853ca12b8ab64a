import EntropyState

extension TargetList {
    /// Counts for these, by someone who knows nothing of the list.
    func number(_ targets: [Target]) throws -> [Numbered] {
        var version = KnownVersion()
        return try number(targets, knowing: &version, given: { _ in nil })
    }

    func write(_ notes: [Note]) throws {
        var version = KnownVersion()
        try write(notes, knowing: &version)
    }
}

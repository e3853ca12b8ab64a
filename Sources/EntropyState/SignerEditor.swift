import EntropyCrypto
import Platform

/// Brings a signer into a sink's configuration, or takes one out of it, in place: under the lock that a running sink
/// stores its counters under, and without a counter being lost or given to another key.
public struct SignerEditor {
    private let path: String

    /// For the configuration at `path`.
    public init(_ path: String) { self.path = path }

    /// Adds a signer, whose counter begins at 0. One key becomes a list with it, and takes its counter along. Returns how
    /// many signers there are now.
    public func add(_ key: PublicKey) throws(StateError) -> Int {
        try edit { (configuration, object) throws(StateError) in
            guard !configuration.signers.contains(where: { $0.key.pkix == key.pkix }) else {
                throw .content(file: path, field: "Signer", expected: "another key: this one is there already")
            }
            guard configuration.signers.count < KnownSigner.maximumCount else {
                throw .content(
                    file: path, field: "Signer", expected: "no more than \(KnownSigner.maximumCount) keys")
            }
            let list = makeList(configuration, object)
            let entry = list.appendObject()
            entry.set("Key", Base64.encode(key.pkix))
            entry.set("Counter", 0)
            return configuration.signers.count + 1
        }
    }

    /// Takes a signer out; the last one stays. Returns how many there are now.
    public func remove(_ key: PublicKey) throws(StateError) -> Int {
        try edit { (configuration, object) throws(StateError) in
            guard let place = configuration.signers.firstIndex(where: { $0.key.pkix == key.pkix }) else {
                throw .content(file: path, field: "Signer", expected: "the key that is to be removed: it is not there")
            }
            guard configuration.signers.count > 1 else {
                throw .content(
                    file: path, field: "Signer", expected: "another key beside it: a sink without one is of no use")
            }
            makeList(configuration, object).removeElement(at: place)
            return configuration.signers.count - 1
        }
    }

    private func edit(
        _ change: (SinkConfiguration, JSONValue) throws(StateError) -> Int
    ) throws(StateError) -> Int {
        let file = try StateFile.locked(path)
        // Only what is good is changed, so that what comes out is good too.
        let configuration = try SinkConfiguration(reading: path, warn: { _ in })
        guard var bytes = try file.contents(limit: SinkConfiguration.maximumSize) else {
            throw .file(SystemError.missing(path))
        }
        defer { wipe(&bytes) }
        let document = try SinkConfiguration.parse(bytes, path)
        let count = try change(configuration, document.value)
        try nameCounter(of: configuration)
        try file.save(document)
        return count
    }

    /// The list of signers; one signer becomes a list of one, with the counter that stood beside it.
    private func makeList(_ configuration: SinkConfiguration, _ object: JSONValue) -> JSONValue {
        if let list = object["Signer"], list.kind == .array { return list }
        let list = object.replaceWithArray("Signer")
        for signer in configuration.signers {
            let entry = list.appendObject()
            entry.set("Key", Base64.encode(signer.key.pkix))
            entry.set("Counter", signer.counter)
        }
        object.remove("Counter")
        return list
    }

    /// A counter in a file of its own learns whose it is, before there is another one. The sink that stores there finds it
    /// in its new place.
    private func nameCounter(of configuration: SinkConfiguration) throws(StateError) {
        let counterFile = configuration.counterFile
        guard !counterFile.isConfiguration, configuration.signers.count == 1, let signer = configuration.signers.first
        else { return }
        let file = try StateFile.locked(counterFile.path)
        guard var bytes = try file.contents(limit: SinkConfiguration.maximumSize) else { return }
        defer { wipe(&bytes) }
        let document = try SinkConfiguration.parse(bytes, counterFile.path)
        let reader = FieldReader(file: counterFile.path, object: document.value)
        guard document.value["Signer"] == nil, let counter = try reader.integer("Counter") else { return }
        let entry = document.value.array("Signer").appendObject()
        entry.set("Key", Base64.encode(signer.key.pkix))
        entry.set("Counter", counter)
        document.value.remove("Counter")
        try file.save(document)
    }
}

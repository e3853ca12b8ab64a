import EntropyCrypto
import Platform

/// Reads the members of one object and says exactly which of them is not what it should be.
package struct FieldReader {
    package let file: String
    /// "entry 3, " in a list, empty otherwise.
    let prefix: String
    package let object: JSONValue

    package init(file: String, prefix: String = "", object: JSONValue) {
        self.file = file
        self.prefix = prefix
        self.object = object
    }

    /// Reads a file that holds one object, at most `limit` bytes.
    package init(
        reading path: String, limit: Int, secret: Bool = false, expecting what: String,
        warn: (String) -> Void = { _ in }
    ) throws(StateError) {
        var bytes = try StateFile.contents(of: path, limit: limit, secret: secret, warn: warn)
        defer { wipe(&bytes) }
        try self.init(decoding: bytes, file: path, expecting: what)
    }

    /// Takes what was read from a file that holds one object.
    package init(decoding bytes: [UInt8], file: String, expecting what: String) throws(StateError) {
        let document = try JSONDocument(parsing: bytes, file: file)
        guard document.value.kind == .object else { throw .content(file: file, field: "", expected: what) }
        self.init(file: file, object: document.value)
    }

    package func wrong(_ field: StaticString, _ expected: String) -> StateError {
        .content(file: file, field: prefix + field.description, expected: expected)
    }

    /// A line for each member that is none of the `known` ones, with the nearest of these where one is near.
    package func strangers(among known: [StaticString]) -> [String] {
        var lines: [String] = []
        let names = known.map { folded($0.description) }
        for name in object.names {
            let found = folded(name)
            if names.contains(found) { continue }
            var nearest: (place: Int, distance: Int)?
            for place in names.indices {
                let distance = edits(from: found, to: names[place])
                if distance * 2 <= max(found.count, names[place].count), distance < nearest?.distance ?? .max {
                    nearest = (place, distance)
                }
            }
            let shown = String(decoding: name.utf8.prefix(64), as: UTF8.self)
            let hint = nearest.map { "; \(known[$0.place].description) is the nearest that has one" } ?? ""
            lines.append("\(file): \(prefix)\(shown): a member without a meaning here\(hint)")
        }
        return lines
    }

    private func folded(_ name: String) -> [UInt8] { name.utf8.prefix(64).map { JSONLexicon.folded($0) } }

    /// How many characters are to be changed, left out or put in (Levenshtein).
    private func edits(from one: [UInt8], to other: [UInt8]) -> Int {
        var row = Array(0...other.count)
        for (place, character) in one.enumerated() {
            var before = row[0]
            row[0] = place + 1
            for column in other.indices {
                let changed = before + (character == other[column] ? 0 : 1)
                before = row[column + 1]
                row[column + 1] = min(changed, min(row[column], before) + 1)
            }
        }
        return row[other.count]
    }

    package func required<T>(_ field: StaticString, _ value: T?) throws(StateError) -> T {
        guard let value else { throw wrong(field, "a value, but it is missing") }
        return value
    }

    package func string(_ field: StaticString) throws(StateError) -> String? {
        guard let value = object[field] else { return nil }
        guard let string = value.string else { throw wrong(field, "a string") }
        return string
    }

    package func integer(_ field: StaticString) throws(StateError) -> Int64? {
        guard let value = object[field] else { return nil }
        guard let integer = value.integer else { throw wrong(field, "an integer within 64 bits") }
        return integer
    }

    package func boolean(_ field: StaticString) throws(StateError) -> Bool? {
        guard let value = object[field] else { return nil }
        guard let boolean = value.boolean else { throw wrong(field, "true or false") }
        return boolean
    }

    package func bytes(_ field: StaticString) throws(StateError) -> [UInt8]? {
        guard let text = try string(field) else { return nil }
        guard let bytes = Base64.decode(text) else { throw wrong(field, "standard base64 with padding") }
        return bytes
    }

    package func requiredBytes(_ field: StaticString) throws(StateError) -> [UInt8] {
        try required(field, try bytes(field))
    }

    package func endpoint(_ field: StaticString, _ use: Endpoint.Use) throws(StateError) -> (
        text: String, endpoint: Endpoint
    ) {
        let text = try required(field, try string(field))
        switch Endpoint.parse(text, for: use) {
        case .success(let endpoint): return (text, endpoint)
        case .failure(let expected): throw wrong(field, expected.text)
        }
    }
}

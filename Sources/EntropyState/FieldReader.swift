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

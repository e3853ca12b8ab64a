import CJSON
import EntropyCrypto

/// A JSON file as json-c reads it: unknown keys, their order and 64-bit integers are kept.
package final class JSONDocument {
    let root: OpaquePointer?  // <json_object>, owned; nil is JSON's null

    /// Strict RFC 8259 in UTF-8, with a byte order mark or without, one value and nothing after it, at most 16 levels deep. An integer beyond 64 bits is
    /// refused wherever it stands.
    package init(parsing bytes: [UInt8], file: String) throws(StateError) {
        guard let tokener = json_tokener_new_ex(16) else { preconditionFailure("out of memory") }
        defer { json_tokener_free(tokener) }
        json_tokener_set_flags(tokener, json_strict)
        if let reason = JSONLexicon.refusal(of: bytes) { throw .notJSON(file: file, reason: reason) }
        // The final zero byte tells the parser that a number at the very end is complete.
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + 1)
        text.append(contentsOf: bytes[JSONLexicon.markSize(bytes)...])
        text.append(0)
        defer { wipe(&text) }
        guard let count = Int32(exactly: text.count) else { throw .notJSON(file: file, reason: "the file is too long") }
        let parsed = text.withUnsafeBytes {
            json_tokener_parse_ex(tokener, $0.baseAddress?.assumingMemoryBound(to: CChar.self), count)
        }
        let error = json_tokener_get_error(tokener)
        guard error == json_tokener_success else {
            json_object_put(parsed)
            throw .notJSON(
                file: file, reason: String(cString: json_tokener_error_desc(error)), in: bytes,
                at: json_tokener_get_parse_end(tokener))
        }
        root = parsed
    }

    /// Takes over what was parsed.
    init(owning root: OpaquePointer?) { self.root = root }

    /// A document that is an empty object, or an empty array.
    package init(empty kind: JSONValue.Kind) {
        root = kind == .array ? json_object_new_array() : json_object_new_object()
    }

    deinit { json_object_put(root) }

    package var value: JSONValue { JSONValue(document: self, pointer: root) }

    /// The text, indented by tabs as the original writes it, with a final newline.
    package func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        withText { text in
            bytes.reserveCapacity(text.count + 1)
            bytes.append(contentsOf: text)
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// The same without the newline, for as long as `body` takes.
    func withText(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var length = 0
        guard let text = json_object_to_json_string_length(root, json_as_the_original, &length) else {
            preconditionFailure("out of memory")
        }
        body(
            UnsafeBufferPointer(
                start: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self), count: length))
    }
}

/// One value inside a document, which it keeps alive.
package struct JSONValue {
    package enum Kind { case null, boolean, integer, real, string, array, object }

    fileprivate let document: JSONDocument
    fileprivate let pointer: OpaquePointer?  // <json_object>, borrowed from `document`

    package var kind: Kind {
        switch json_object_get_type(pointer) {
        case json_type_boolean: .boolean
        case json_type_int: .integer
        case json_type_double: .real
        case json_type_string: .string
        case json_type_array: .array
        case json_type_object: .object
        default: .null
        }
    }

    /// Nil unless this is an integer within 64 bits with sign.
    package var integer: Int64? {
        // json-c reads up to 2⁶⁴−1, and would hand out 2⁶³−1 for what is above it.
        guard kind == .integer else { return nil }
        let value = json_object_get_int64(pointer)
        return value == .max && json_object_get_uint64(pointer) > UInt64(Int64.max) ? nil : value
    }

    package var boolean: Bool? { kind == .boolean ? json_object_get_boolean(pointer) != 0 : nil }

    package var string: String? {
        guard kind == .string, let text = json_object_get_string(pointer) else { return nil }
        let bytes = UnsafeRawBufferPointer(start: text, count: Int(json_object_get_string_len(pointer)))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The elements of an array, else nil.
    package var elements: [JSONValue]? {
        guard kind == .array else { return nil }
        return (0..<json_object_array_length(pointer)).map {
            JSONValue(document: document, pointer: json_object_array_get_idx(pointer, $0))
        }
    }

    /// A member of an object; nil where it is missing or null, which the original writes for what it has not.
    package subscript(name: StaticString) -> JSONValue? {
        var found: OpaquePointer?
        guard kind == .object, json_object_object_get_ex(pointer, cString(name), &found) != 0, found != nil else {
            return nil
        }
        return JSONValue(document: document, pointer: found)
    }

    /// Changes a member of an object, in its place, or adds it at the end.
    package func set(_ name: StaticString, _ value: Int64) { add(name, json_object_new_int64(value)) }

    package func set(_ name: StaticString, _ value: String) {
        let count = Int32(clamping: value.utf8.count)
        add(name, json_object_new_string_len(value, count))
    }

    /// A number that is written as `digits` has it.
    package func set(_ name: StaticString, number digits: String) {
        add(name, json_object_new_double_s(0, digits))
    }

    package func set(_ name: StaticString, boolean value: Bool) { add(name, json_object_new_boolean(value ? 1 : 0)) }

    /// Adds an empty object to an array.
    package func appendObject() -> JSONValue {
        let member = json_object_new_object()
        let result = json_object_array_add(pointer, member)
        precondition(result == 0, "out of memory")
        return JSONValue(document: document, pointer: member)
    }

    /// Adds a string to an array.
    package func append(_ value: String) {
        let result = json_object_array_add(
            pointer, json_object_new_string_len(value, Int32(clamping: value.utf8.count)))
        precondition(result == 0, "out of memory")
    }

    /// Has a member be an empty object.
    package func setObject(_ name: StaticString) -> JSONValue {
        let member = json_object_new_object()
        add(name, member)
        return JSONValue(document: document, pointer: member)
    }

    /// The array that a member is; else an empty one in its place, which `fill` is called for.
    package func array(_ name: StaticString, fill: (JSONValue) -> Void) -> JSONValue {
        if let found = self[name], found.kind == .array { return found }
        let array = json_object_new_array()
        add(name, array)
        let value = JSONValue(document: document, pointer: array)
        fill(value)
        return value
    }

    package func remove(_ name: StaticString) { json_object_object_del(pointer, cString(name)) }

    private func add(_ name: StaticString, _ value: OpaquePointer?) {
        let result = json_object_object_add(pointer, cString(name), value)
        precondition(result == 0, "out of memory")
    }
}

/// A StaticString ends with a zero byte and lives as long as the process.
private func cString(_ name: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

extension StateError {
    /// The parser's words, and the line that it stopped in.
    static func notJSON(file: String, reason: String, in bytes: [UInt8], at place: Int) -> StateError {
        .notJSON(file: file, reason: "\(reason), line \(bytes.prefix(place).count { $0 == UInt8(ascii: "\n") } + 1)")
    }
}

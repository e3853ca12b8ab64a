import CJSON
import EntropyCrypto

/// A JSON file as json-c reads it: unknown keys, their order and 64-bit integers are kept.
package final class JSONDocument {
    let root: OpaquePointer?  // <json_object>, owned; nil is JSON's null
    /// The member of a file that is a secret, a sink's private key. What json-c has of it is wiped.
    private static let secret: StaticString = "Private"

    /// Strict RFC 8259 in UTF-8, with a byte order mark or without, one value and nothing after it, at most 16 levels deep. An integer beyond 64 bits is
    /// refused wherever it stands.
    package init(parsing bytes: [UInt8], file: String) throws(StateError) {
        guard let tokener = json_tokener_new_ex(16) else { preconditionFailure("out of memory") }
        // It gathers every string in one piece of memory: large enough from the start, that piece stays the only one.
        let gathered = tokener.pointee.pb
        defer {
            if let gathered {
                wipe(UnsafeMutableRawBufferPointer(start: gathered.pointee.buf, count: Int(gathered.pointee.size)))
            }
            json_tokener_free(tokener)
        }
        json_tokener_set_flags(tokener, json_strict)
        if let reason = JSONLexicon.refusal(of: bytes) { throw .notJSON(file: file, reason: reason) }
        // The final zero byte tells the parser that a number at the very end is complete.
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count + 1)
        text.append(contentsOf: bytes[JSONLexicon.markSize(bytes)...])
        text.append(0)
        defer { wipe(&text) }
        guard let count = Int32(exactly: text.count) else { throw .notJSON(file: file, reason: "the file is too long") }
        let isReady = printbuf_memset(gathered, 0, 0, count) >= 0
        precondition(isReady, "out of memory")
        printbuf_reset(gathered)
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

    deinit {
        if let text = value[JSONDocument.secret]?.text { wipe(UnsafeMutableRawBufferPointer(mutating: text)) }
        json_object_put(root)
    }

    package var value: JSONValue { JSONValue(document: self, pointer: root) }

    /// The text, indented by tabs as the original writes it, with a final newline. The only copy of a secret in it.
    package func encode() -> [UInt8] {
        var bytes: [UInt8] = []
        withSecretLeftOut { secret in
            withText { text in
                bytes.reserveCapacity(text.count + secret.count + 3)
                for byte in text {
                    guard byte == JSONDocument.mark else {
                        bytes.append(byte)
                        continue
                    }
                    bytes.append(UInt8(ascii: "\""))
                    bytes.append(contentsOf: secret)
                    bytes.append(UInt8(ascii: "\""))
                }
            }
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// A byte that no JSON has, in place of the secret.
    private static let mark: UInt8 = 1

    /// json-c writes into memory that it moves as it grows, and leaves its copies there: it does not get to see the secret. One
    /// that is no base64 is no secret either.
    private func withSecretLeftOut(_ body: (UnsafeRawBufferPointer) -> Void) {
        let object = value[JSONDocument.secret]
        guard let object, let text = object.text, text.allSatisfy(isBase64) else {
            return body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
        var mark = (CChar(JSONDocument.mark), CChar(0))
        withUnsafeMutableBytes(of: &mark) { mark in
            json_object_set_serializer(object.pointer, json_object_userdata_to_json_string, mark.baseAddress, nil)
            body(text)
            json_object_set_serializer(object.pointer, nil, nil, nil)
        }
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

    package var string: String? { text.map { String(decoding: $0, as: UTF8.self) } }

    /// The bytes of a string where json-c has them, for as long as the document is there.
    fileprivate var text: UnsafeRawBufferPointer? {
        guard kind == .string, let text = json_object_get_string(pointer) else { return nil }
        return UnsafeRawBufferPointer(start: text, count: Int(json_object_get_string_len(pointer)))
    }

    /// The same in an array, which can be wiped.
    package var utf8: [UInt8]? { text.map { Array($0) } }

    /// The elements of an array, else nil.
    package var elements: [JSONValue]? {
        guard kind == .array else { return nil }
        return (0..<json_object_array_length(pointer)).map {
            JSONValue(document: document, pointer: json_object_array_get_idx(pointer, $0))
        }
    }

    /// A member of an object; nil where it is missing or null, which the original writes for what it has not. As Go's
    /// encoding/json reads it: the case of letters does not matter, and of several the last one holds.
    package subscript(name: StaticString) -> JSONValue? {
        find(name).map { JSONValue(document: document, pointer: $0.value) }
    }

    /// The names of an object's members, in their order.
    package var names: [String] {
        var names: [String] = []
        forEachMember { name, _ in names.append(String(cString: name)) }
        return names
    }

    private func forEachMember(_ body: (UnsafePointer<CChar>, OpaquePointer?) -> Void) {
        guard kind == .object else { return }
        var member = json_object_iter_begin(pointer)
        var end = json_object_iter_end(pointer)
        while json_object_iter_equal(&member, &end) == 0 {
            if let name = json_object_iter_peek_name(&member) { body(name, json_object_iter_peek_value(&member)) }
            json_object_iter_next(&member)
        }
    }

    /// What holds for this name, and under which name the object has it.
    private func find(_ name: StaticString) -> (name: UnsafePointer<CChar>, value: OpaquePointer)? {
        var found: (name: UnsafePointer<CChar>, value: OpaquePointer)?
        forEachMember { each, value in
            if let value, isName(each, name) { found = (each, value) }
        }
        return found
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

    /// Removes a member, by whichever names the object has it.
    package func remove(_ name: StaticString) {
        while let found = find(name) { json_object_object_del(pointer, found.name) }
        json_object_object_del(pointer, cString(name))
    }

    private func add(_ name: StaticString, _ value: OpaquePointer?) {
        let result = json_object_object_add(pointer, find(name)?.name ?? cString(name), value)
        precondition(result == 0, "out of memory")
    }
}

/// A StaticString ends with a zero byte and lives as long as the process.
private func cString(_ name: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
}

/// True where the names differ in nothing but the case of ASCII letters.
private func isName(_ found: UnsafePointer<CChar>, _ name: StaticString) -> Bool {
    let found = UnsafeRawPointer(found).assumingMemoryBound(to: UInt8.self)
    for place in 0..<name.utf8CodeUnitCount {
        // A name that ends here differs: no letter is a zero.
        guard JSONLexicon.folded(found[place]) == JSONLexicon.folded(name.utf8Start[place]) else { return false }
    }
    return found[name.utf8CodeUnitCount] == 0
}

private func isBase64(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), 0x30...0x39: true
    case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): true
    default: false
    }
}

extension StateError {
    /// The parser's words, and the line that it stopped in.
    static func notJSON(file: String, reason: String, in bytes: [UInt8], at place: Int) -> StateError {
        .notJSON(file: file, reason: "\(reason), line \(bytes.prefix(place).count { $0 == UInt8(ascii: "\n") } + 1)")
    }
}

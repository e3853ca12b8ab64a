import CJSON

/// A JSON file that is an array, taken and written one element at a time: json-c's objects need ten times the memory of their
/// text, and of a long list only one element is there as such.
package enum JSONList {
    /// Calls `body` for each element, with its place. What is accepted, and what is kept, is as for a `JSONDocument`; `body`
    /// may have been called for the elements before the one that is no JSON.
    static func read(
        _ bytes: [UInt8], file: String, expecting what: String,
        _ body: (Int, JSONDocument) throws(StateError) -> Void
    ) throws(StateError) {
        if let reason = JSONLexicon.refusal(of: bytes) { throw .notJSON(file: file, reason: reason) }
        var reader = JSONListReader(bytes, file: file)
        guard reader.take(UInt8(ascii: "[")) else {
            _ = try JSONDocument(parsing: bytes, file: file)
            throw .content(file: file, field: "", expected: what)
        }
        var count = 0
        if !reader.take(UInt8(ascii: "]")) {
            repeat {
                try body(count, try reader.takeElement())
                count += 1
            } while reader.take(UInt8(ascii: ","))
            try reader.require(UInt8(ascii: "]"))
        }
        try reader.requireEnd()
    }

    /// Writes an array as `JSONDocument.encode` would.
    package struct Writer {
        private var bytes: [UInt8] = []
        private var isEmpty = true
        /// An array for one element, in others up to the level where it is to stand: json-c indents it there.
        private let frame: JSONDocument
        private let outermost: JSONDocument
        /// Bytes of the frame's own before and after an element.
        private let margins: (before: Int, after: Int)

        /// An array that is a file, with room for so many bytes at once: what grows is for a moment there twice.
        package init(capacity: Int) {
            bytes.reserveCapacity(capacity)
            bytes.append(UInt8(ascii: "["))
            frame = JSONDocument(empty: .array)
            outermost = frame
            margins = ("[\n".utf8.count, "\n]".utf8.count)
        }

        /// The array goes on behind what is given: an object's text up to the member that it is.
        package init(after text: consuming [UInt8]) {
            bytes = text
            bytes.append(UInt8(ascii: "["))
            frame = JSONDocument(empty: .array)
            outermost = JSONDocument(empty: .array)
            let result = json_object_array_add(outermost.root, json_object_get(frame.root))
            precondition(result == 0, "out of memory")
            margins = ("[\n\t[\n".utf8.count, "\n\t]\n]".utf8.count)
        }

        package mutating func append(_ element: JSONDocument) {
            if !isEmpty { bytes.append(UInt8(ascii: ",")) }
            isEmpty = false
            bytes.append(UInt8(ascii: "\n"))
            let result = json_object_array_put_idx(frame.root, 0, json_object_get(element.root))
            precondition(result == 0, "out of memory")
            outermost.withText { text in
                bytes.append(contentsOf: text[margins.before..<(text.count - margins.after)])
            }
        }

        /// Hands out the text up to the end of the array: of a file that is one with its final newline.
        package mutating func end() -> [UInt8] {
            let isFile = frame === outermost
            bytes.append(contentsOf: Array((isFile ? "\n]\n" : "\n\t]").utf8))
            defer { bytes = [] }
            return bytes
        }
    }
}

/// Where a reader is in the text of an array.
private struct JSONListReader: ~Copyable {
    private let tokener: UnsafeMutablePointer<json_tokener>  // owned
    private let bytes: [UInt8]
    private let file: String
    private var place = 0

    init(_ bytes: [UInt8], file: String) {
        // One level less than a document has: the array is one.
        guard let tokener = json_tokener_new_ex(15) else { preconditionFailure("out of memory") }
        json_tokener_set_flags(tokener, json_strict_element)
        self.tokener = tokener
        self.bytes = bytes
        self.file = file
        place = JSONLexicon.markSize(bytes)
    }

    deinit { json_tokener_free(tokener) }

    /// Goes past white space, and past `character` where it comes next.
    mutating func take(_ character: UInt8) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == character else { return false }
        place += 1
        return true
    }

    mutating func require(_ character: UInt8) throws(StateError) {
        guard take(character) else { throw unexpected }
    }

    mutating func requireEnd() throws(StateError) {
        skipSpace()
        guard place == bytes.count else { throw unexpected }
    }

    /// One value, and nothing of what follows it.
    mutating func takeElement() throws(StateError) -> JSONDocument {
        skipSpace()
        guard let count = Int32(exactly: bytes.count - place) else {
            throw .notJSON(file: file, reason: "the file is too long")
        }
        json_tokener_reset(tokener)
        let parsed = bytes.withUnsafeBytes {
            json_tokener_parse_ex(tokener, $0.baseAddress.map { $0.assumingMemoryBound(to: CChar.self) + place }, count)
        }
        let error = json_tokener_get_error(tokener)
        place += json_tokener_get_parse_end(tokener)
        guard error == json_tokener_success else {
            json_object_put(parsed)
            // More could follow, but the text is at its end.
            let reason = error == json_tokener_continue ? json_tokener_error_parse_eof : error
            throw .notJSON(file: file, reason: String(cString: json_tokener_error_desc(reason)), in: bytes, at: place)
        }
        return JSONDocument(owning: parsed)
    }

    private var unexpected: StateError {
        let reason = place < bytes.count ? json_tokener_error_parse_unexpected : json_tokener_error_parse_eof
        return .notJSON(file: file, reason: String(cString: json_tokener_error_desc(reason)), in: bytes, at: place)
    }

    private mutating func skipSpace() {
        while place < bytes.count {
            switch bytes[place] {
            case 0x20, 0x09, 0x0a, 0x0d: place += 1
            default: return
            }
        }
    }
}

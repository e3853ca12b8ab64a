import Support
import Testing

@testable import EntropyState

/// An array that is read and written one element at a time, held against the same text taken as one document.
@Suite struct JSONListTests {
    /// What is written of an array that is read.
    func copy(_ text: String) throws -> String {
        let bytes = Array(text.utf8)
        var list = JSONList.Writer(capacity: 0)
        var places: [Int] = []
        try JSONList.read(bytes, file: "f", expecting: "an array") { (place, element) throws(StateError) in
            places.append(place)
            list.append(element)
        }
        #expect(places == Array(0..<places.count))
        return String(decoding: list.end(), as: UTF8.self)
    }

    func refusal(_ text: String) -> StateError? { #expect(throws: StateError.self) { _ = try copy(text) } }

    /// Whether that is no JSON, and where.
    func notJSON(_ text: String) -> String? {
        guard case .notJSON("f", let place) = refusal(text) else { return nil }
        return place
    }

    @Test(arguments: [
        "[]", " [ ] \n", "[{}]", "[{},{}]", "[[]]", "[1,-2.50,1e400,\"x\",true,null]", "[{\"a\":{}}]",
        "[{\"a\": [1, {\"b\": \"\\n\\t\\\\ \\/ \u{e9}\u{1f511}\", \"c\": []}], \"d\": 18446744073709551615}\t,\r\n{\"d\":null}]",
        "[" + String(repeating: "[", count: 15) + String(repeating: "]", count: 15) + "]",
    ])
    func itIsWrittenAsADocumentIs(_ text: String) throws {
        let document = try JSONDocument(parsing: Array(text.utf8), file: "f")
        #expect(try copy(text) == String(decoding: document.encode(), as: UTF8.self))
    }

    @Test(arguments: [
        "", " ", "[", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1]]", "[1],", "[1] x", "[]]", "[} ]", "[{]", "[{\"a\"}]",
        "[{}",
        "[{},", "[{}}", "[{} {}]", "[nul]", "[\"a]", "[/**/]", "[1]//", "[tru", "[{\"a\": 1,}]", "[\u{c}]", "[1]\u{b}",
        "[" + String(repeating: "[", count: 16) + String(repeating: "]", count: 16) + "]", "[{\"a\": 01}]", "['a']",
    ])
    func whatIsRefusedAsADocumentIsRefused(_ text: String) {
        #expect(throws: StateError.self) { try JSONDocument(parsing: Array(text.utf8), file: "f") }
        #expect(notJSON(text) != nil)
    }

    @Test func itSaysWhere() {
        for text in ["[\n{},\n{]\n]", "[\n{}\n{}\n]", "[\n{},\n"] {
            #expect(notJSON(text)?.names("3") == true, "\(text)")
        }
        for text in ["{\"a\": 1}", "7"] { #expect(refusal(text)?.field == "", "\(text)") }
    }
}

import EntropyCrypto
import EntropyState

let jsonSubjects = [
    Subject(name: "json") { readJSON($0) },
    Subject(name: "base64") { readBase64($0) },
]

/// As many levels as are read.
private let deepest = 16

/// Any file: what is accepted is JSON, what is JSON is accepted, and it is written as it was read.
private func readJSON(_ bytes: [UInt8]) -> Bool {
    let grammar = JSONGrammar(bytes)
    guard let document = try? JSONDocument(parsing: bytes, file: "file") else {
        guard let grammar, grammar.deepest <= deepest, !grammar.hasOddEscape, !grammar.hasLongInteger else {
            return false
        }
        fatalError("JSON is refused")
    }
    guard let grammar else { fatalError("something is taken for JSON that is none") }
    require(grammar.deepest <= deepest && !grammar.hasOddEscape && !grammar.hasLongInteger, "too much is accepted")
    let text = document.encode()
    guard let written = JSONGrammar(text), let again = try? JSONDocument(parsing: text, file: "file") else {
        fatalError("what was written is no JSON")
    }
    require(again.encode() == text, "a file changes each time that it is written")
    // Of two members of one name the last one counts, and stays.
    if grammar.hasDuplicate { return true }
    require(written.tokens == grammar.tokens, "a file is not written as it was read")
    return true
}

private func readBase64(_ bytes: [UInt8]) -> Bool {
    let text = String(decoding: bytes, as: UTF8.self)
    require(Base64.decode(Base64.encode(bytes)) == bytes, "base64 is not read as it is written")
    guard let value = Base64.decode(text) else { return false }
    require(Base64.encode(value) == text, "a value has a second form in base64")
    return true
}

/// RFC 8259's grammar and nothing else, as a judge of what json-c takes for JSON.
struct JSONGrammar {
    enum Token: Equatable {
        /// A bracket, brace, comma or colon.
        case mark(UInt8)
        /// A number, or true, false, null, as it is written.
        case word([UInt8])
        /// A string's bytes, its escapes resolved.
        case string([UInt8])
    }

    private struct Refusal: Error {}

    private let bytes: [UInt8]
    private var place = 0
    private var depth = 0

    private(set) var tokens: [Token] = []
    /// The level of the innermost value; 1 is the text's own.
    private(set) var deepest = 0
    /// An object has two members of one name: which one counts is not said.
    private(set) var hasDuplicate = false
    /// An escape that json-c does not keep: U+0000, half a surrogate pair, or a pair for a character with the last 16 bits of
    /// a half.
    private(set) var hasOddEscape = false
    private(set) var hasLongInteger = false

    /// Nil for what is no JSON text in UTF-8.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        guard String(validating: bytes, as: UTF8.self) != nil else { return nil }
        // A byte order mark is passed over (RFC 8259, 8.1).
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { place = 3 }
        do {
            try readValue()
            skipSpace()
            guard place == bytes.count else { return nil }
        } catch { return nil }
    }

    private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

    private mutating func skipSpace() {
        while let byte = next, [0x20, 0x09, 0x0a, 0x0d].contains(byte) { place += 1 }
    }

    /// Passes over this byte where it is the next one.
    private mutating func take(_ character: Character) -> Bool {
        guard let byte = next, byte == character.asciiValue else { return false }
        place += 1
        return true
    }

    private mutating func readValue() throws {
        skipSpace()
        deepest = max(deepest, depth + 1)
        switch next {
        case UInt8(ascii: "{"): try readObject()
        case UInt8(ascii: "["): try readArray()
        case UInt8(ascii: "\""): tokens.append(.string(try readString()))
        case UInt8(ascii: "t"): try readWord("true")
        case UInt8(ascii: "f"): try readWord("false")
        case UInt8(ascii: "n"): try readWord("null")
        default: try readNumber()
        }
    }

    private mutating func readObject() throws {
        try enter("{")
        var names: Set<[UInt8]> = []
        if !closes("}") {
            repeat {
                skipSpace()
                guard next == UInt8(ascii: "\"") else { throw Refusal() }
                let name = try readString()
                if !names.insert(name).inserted { hasDuplicate = true }
                tokens.append(.string(name))
                skipSpace()
                guard take(":") else { throw Refusal() }
                tokens.append(.mark(UInt8(ascii: ":")))
                try readValue()
            } while goesOn()
            guard closes("}") else { throw Refusal() }
        }
        depth -= 1
    }

    private mutating func readArray() throws {
        try enter("[")
        if !closes("]") {
            repeat { try readValue() } while goesOn()
            guard closes("]") else { throw Refusal() }
        }
        depth -= 1
    }

    private mutating func enter(_ character: Character) throws {
        guard take(character), depth < 200 else { throw Refusal() }
        tokens.append(.mark(character.asciiValue ?? 0))
        depth += 1
    }

    private mutating func closes(_ character: Character) -> Bool {
        skipSpace()
        guard take(character) else { return false }
        tokens.append(.mark(character.asciiValue ?? 0))
        return true
    }

    private mutating func goesOn() -> Bool { closes(",") }

    private mutating func readWord(_ word: StaticString) throws {
        let expected = Array(word.description.utf8)
        guard bytes[place...].starts(with: expected) else { throw Refusal() }
        place += expected.count
        tokens.append(.word(expected))
    }

    private mutating func readNumber() throws {
        let start = place
        _ = take("-")
        if !take("0") { try readDigits() }
        var isInteger = true
        if take(".") {
            isInteger = false
            try readDigits()
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            try readDigits()
        }
        let text = Array(bytes[start..<place])
        let string = String(decoding: text, as: UTF8.self)
        if isInteger, Int64(string) == nil, UInt64(string) == nil { hasLongInteger = true }
        tokens.append(.word(string == "-0" ? [0x30] : text))  // json-c knows one zero
    }

    private mutating func readDigits() throws {
        let start = place
        while let byte = next, (0x30...0x39).contains(byte) { place += 1 }
        guard place > start else { throw Refusal() }
    }

    private mutating func readString() throws -> [UInt8] {
        guard take("\"") else { throw Refusal() }
        var text: [UInt8] = []
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw Refusal() }
            place += 1
            text += byte == UInt8(ascii: "\\") ? try readEscape() : [byte]
        }
        guard take("\"") else { throw Refusal() }
        return text
    }

    private mutating func readEscape() throws -> [UInt8] {
        guard let byte = next else { throw Refusal() }
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try readCodePoint()
        default: throw Refusal()
        }
    }

    private mutating func readCodePoint() throws -> [UInt8] {
        var number = try readHexadecimal()
        let afterFirst = place
        if (0xd800...0xdbff).contains(number), take("\\"), take("u"), case let low = try readHexadecimal(),
            (0xdc00...0xdfff).contains(low)
        {
            number = 0x10000 + (number - 0xd800) << 10 + (low - 0xdc00)
        } else {
            place = afterFirst
        }
        if number == 0 || number & 0xf800 == 0xd800 { hasOddEscape = true }
        guard let scalar = Unicode.Scalar(number) else { return [] }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func readHexadecimal() throws -> UInt32 {
        let digits = bytes[place...].prefix(4)
        let text = String(decoding: digits, as: UTF8.self)
        guard digits.count == 4, !text.hasPrefix("+"), !text.hasPrefix("-"), let number = UInt32(text, radix: 16) else {
            throw Refusal()
        }
        place += 4
        return number
    }
}

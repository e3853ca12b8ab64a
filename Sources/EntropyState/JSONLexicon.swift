import Platform

/// What json-c 0.16 lets pass although its strict mode is on: a look at the text before it is parsed. Whatever else is no
/// JSON is left for the parser to refuse.
enum JSONLexicon {
    /// Why the text is refused and in which line, or nil.
    static func refusal(of bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return "the file is empty" }
        guard let (reason, place) = find(in: bytes) else { return nil }
        return "\(reason), line \(bytes[..<place].count { $0 == UInt8(ascii: "\n") } + 1)"
    }

    /// Bytes of the byte order mark that the text begins with, as some editors write it (RFC 8259, 8.1): 3 or 0.
    static func markSize(_ bytes: [UInt8]) -> Int { bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0 }

    /// A member that an object has twice.
    struct Double: Equatable {
        /// The later one's, as the text has it.
        let name: String
        let line: Int
    }

    /// Every member whose name its object had before, but for the case of letters. For a text that is JSON.
    static func doubles(in bytes: [UInt8]) -> [Double] {
        var doubles: [Double] = []
        // Of each object or array that is open the names so far.
        var open: [[[UInt8]]] = []
        var line = 1
        var place = 0
        while place < bytes.count {
            defer { place += 1 }
            switch bytes[place] {
            case UInt8(ascii: "\n"): line += 1
            case UInt8(ascii: "{"), UInt8(ascii: "["): open.append([])
            case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = open.popLast()
            case UInt8(ascii: "\""):
                let start = place + 1
                place = start
                while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
                    place += bytes[place] == UInt8(ascii: "\\") ? 2 : 1
                }
                guard place < bytes.count, let level = open.indices.last,
                    bytes[(place + 1)...].first(where: { !isSpace($0) }) == UInt8(ascii: ":")
                else { break }
                let name = bytes[start..<place].map { folded($0) }
                if open[level].contains(name) {
                    doubles.append(Double(name: String(decoding: bytes[start..<place], as: UTF8.self), line: line))
                } else if open[level].count < maximumNames {
                    open[level].append(name)
                }
            default: break
            }
        }
        return doubles
    }

    /// A line for each of them in a file, as for people.
    static func doubleLines(in bytes: [UInt8], file: String) -> [String] {
        doubles(in: bytes).map { "\(file): \($0.name): there twice, again in line \($0.line); the last one holds" }
    }

    /// Members of one object that are compared with each other.
    private static let maximumNames = 256

    /// A letter of ASCII as its small one.
    static func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }

    private static func find(in bytes: [UInt8]) -> (reason: String, place: Int)? {
        if bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) {
            return ("it is UTF-16: save it as UTF-8", 0)
        }
        if let zero = bytes.firstIndex(of: 0) { return ("it holds a zero byte", zero) }
        if let place = invalidUTF8(in: bytes) { return ("it is not UTF-8", place) }
        var isInString = false
        var place = 0
        while place < bytes.count {
            defer { place += 1 }
            switch bytes[place] {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "\\") where isInString:
                // A key would end there for json-c.
                if Text.begins(bytes[place...], with: "\\u0000") { return ("a string holds a zero character", place) }
                guard let count = escapeLength(bytes[place...]) else {
                    return ("a string holds an escaped character that would be lost", place)
                }
                place += count - 1
            case 0x00..<0x20 where isInString: return ("a string holds a control character", place)
            case _ where isInString: break
            case UInt8(ascii: "'"): return ("a string stands in single quotes", place)
            case UInt8(ascii: "N"), UInt8(ascii: "I"): return ("NaN, Infinity and Null are no JSON", place)
            case UInt8(ascii: "-"), 0x30...0x39:
                let number = bytes[place...].prefix(while: isNumberByte)
                guard isNumber(number) else { return ("a number is not written as JSON has it", place) }
                guard isWithin64Bits(number) else { return ("an integer is beyond 64 bits", place) }
                place += number.count - 1
            default: break
            }
        }
        return nil
    }

    /// Where the first byte is that no UTF-8 has: json-c looks at the bytes' first bits only.
    private static func invalidUTF8(in bytes: [UInt8]) -> Int? {
        var parser = Unicode.UTF8.ForwardParser()
        var input = bytes.makeIterator()
        var place = 0
        while true {
            switch parser.parseScalar(from: &input) {
            case .valid(let scalar): place += scalar.count
            case .error: return place
            case .emptyInput: return nil
            }
        }
    }

    /// Bytes of the escape that stands first, a surrogate pair being one. Nil where json-c would put U+FFFD in its place: for
    /// half a pair, and by mistake for the characters above U+FFFF whose last 16 bits look like half a pair.
    private static func escapeLength(_ text: ArraySlice<UInt8>) -> Int? {
        guard let unit = codeUnit(text) else { return 2 }
        guard unit & 0xf800 == 0xd800 else { return 6 }
        guard unit < 0xdc00, let low = codeUnit(text.dropFirst(6)), low & 0xfc00 == 0xdc00 else { return nil }
        let character = 0x10000 + ((unit & 0x3ff) << 10 | low & 0x3ff)
        return character & 0xf800 == 0xd800 ? nil : 12
    }

    /// The number of an escape `\u` with four digits; nil for any other text.
    private static func codeUnit(_ text: ArraySlice<UInt8>) -> UInt32? {
        guard Text.begins(text, with: "\\u") else { return nil }
        let digits = text.dropFirst(2).prefix(4)
        guard digits.count == 4, digits.first != UInt8(ascii: "+") else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    /// A minus or none, an integer without leading zeros, and perhaps a fraction and an exponent (RFC 8259, 6).
    private static func isNumber(_ text: ArraySlice<UInt8>) -> Bool {
        var rest = text
        func take(_ characters: UInt8...) -> Bool {
            guard let first = rest.first, characters.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        func takeDigits() -> Bool {
            let digits = rest.prefix { (0x30...0x39).contains($0) }
            rest = rest.dropFirst(digits.count)
            return !digits.isEmpty
        }
        _ = take(UInt8(ascii: "-"))
        guard take(UInt8(ascii: "0")) || takeDigits() else { return false }
        if take(UInt8(ascii: ".")), !takeDigits() { return false }
        if take(UInt8(ascii: "e"), UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+"), UInt8(ascii: "-"))
            guard takeDigits() else { return false }
        }
        return rest.isEmpty
    }

    /// An integer beyond 64 bits json-c takes for the nearest one: written back it would be another number.
    private static func isWithin64Bits(_ number: ArraySlice<UInt8>) -> Bool {
        let digits = number.first == UInt8(ascii: "-") ? number.dropFirst() : number
        guard digits.count > 18, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return true }
        let text = String(decoding: number, as: UTF8.self)
        return Int64(text) != nil || UInt64(text) != nil
    }

    private static func isNumberByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
            true
        default: false
        }
    }
}

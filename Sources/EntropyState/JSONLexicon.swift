/// What json-c 0.16 lets pass although its strict mode is on: a look at the text before it is parsed. Whatever else is no
/// JSON is left for the parser to refuse.
enum JSONLexicon {
    /// Why the text is refused and in which line, or nil.
    static func refusal(of bytes: [UInt8]) -> String? {
        if bytes.isEmpty { return "the file is empty" }
        guard let (reason, place) = find(in: bytes) else { return nil }
        return "\(reason), line \(bytes[..<place].count { $0 == UInt8(ascii: "\n") } + 1)"
    }

    private static func find(in bytes: [UInt8]) -> (reason: String, place: Int)? {
        if let zero = bytes.firstIndex(of: 0) { return ("it holds a zero byte", zero) }
        var isInString = false
        var place = 0
        while place < bytes.count {
            defer { place += 1 }
            switch bytes[place] {
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "\\") where isInString:
                // A key would end there for json-c.
                if bytes[place...].starts(with: "\\u0000".utf8) { return ("a string holds a zero character", place) }
                place += 1
            case _ where isInString: break
            case UInt8(ascii: "'"): return ("a string stands in single quotes", place)
            case UInt8(ascii: "N"), UInt8(ascii: "I"): return ("NaN, Infinity and Null are no JSON", place)
            case UInt8(ascii: "-"), 0x30...0x39:
                let number = bytes[place...].prefix(while: isNumberByte)
                guard isWithin64Bits(number) else { return ("an integer is beyond 64 bits", place) }
                place += number.count - 1
            default: break
            }
        }
        return nil
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

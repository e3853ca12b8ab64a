import CPlatform

/// One option as getopt_long(3) wants it.
public struct ScannedOption: Sendable {
    /// The short letter, or nil for an option with a long name only.
    public let letter: UInt8?
    public let name: StaticString
    public let takesArgument: Bool

    public init(letter: UInt8?, name: StaticString, takesArgument: Bool) {
        self.letter = letter
        self.name = name
        self.takesArgument = takesArgument
    }
}

/// The process's arguments, read by getopt_long(3). To be used once, at the start.
public struct OptionScanner {
    public enum Result {
        /// The option's place in the table, and its argument where it takes one.
        case option(Int, String?)
        /// An unknown option, a missing argument, or one too many: the argument's text.
        case wrong(String)
        /// An argument that is not UTF-8.
        case notText(String)
        /// What stands after the options.
        case end(operands: [String])
    }

    private let options: [ScannedOption]
    private var letters: [CChar]
    private var longs: [option]

    public init(_ options: [ScannedOption]) {
        self.options = options
        letters = [CChar(UInt8(ascii: ":"))]
        longs = []
        for (place, each) in options.enumerated() {
            if let letter = each.letter {
                letters.append(CChar(letter))
                if each.takesArgument { letters.append(CChar(UInt8(ascii: ":"))) }
            }
            // A StaticString lives as long as the process, and so may the pointer in the table.
            let name = UnsafeRawPointer(each.name.utf8Start).assumingMemoryBound(to: CChar.self)
            longs.append(
                option(
                    name: name, has_arg: each.takesArgument ? required_argument : no_argument, flag: nil,
                    val: Int32(256 + place)))
        }
        letters.append(0)
        longs.append(option(name: nil, has_arg: 0, flag: nil, val: 0))
    }

    public func next() -> Result {
        let count = Int(platform_argument_count())
        let arguments = platform_arguments()
        let before = max(1, Int(platform_option_index()))
        let found = platform_next_option(Int32(count), arguments, letters, longs)
        switch found {
        case -1:
            let first = Int(platform_option_index())
            return .end(operands: (first..<max(first, count)).map { text(arguments[$0]) })
        case Int32(UInt8(ascii: "?")), Int32(UInt8(ascii: ":")):
            // getopt moves its index past a wrong argument, but not past a letter in the midst of several.
            let after = Int(platform_option_index())
            return .wrong(text(arguments[min(count - 1, after > before ? after - 1 : before)]))
        case 256...:
            return given(Int(found) - 256)
        default:
            let place = options.firstIndex { $0.letter.map(Int32.init) == found } ?? 0
            return given(place)
        }
    }

    /// Bytes that are no UTF-8 would become other bytes, and name another file.
    private func given(_ place: Int) -> Result {
        guard let argument = platform_option_argument() else { return .option(place, nil) }
        guard let value = String(validatingCString: argument) else { return .notText(String(cString: argument)) }
        return .option(place, value)
    }

    private func text(_ argument: UnsafeMutablePointer<CChar>?) -> String { argument.map { String(cString: $0) } ?? "" }
}

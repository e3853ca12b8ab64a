/// One row of a program's table of options: parsing and `--help` both come from it.
public struct Option: Sendable {
    let letter: UInt8?
    let name: StaticString
    /// What the argument is called in the help; nil for a switch.
    let argument: StaticString?
    let help: StaticString
    /// What holds when the option is not given, as the help shows it and the program gets it.
    let standard: StaticString?

    public init(
        _ letter: Unicode.Scalar? = nil, _ name: StaticString, _ argument: StaticString? = nil, _ help: StaticString,
        default standard: StaticString? = nil
    ) {
        self.letter = letter.map { UInt8(ascii: $0) }
        self.name = name
        self.argument = argument
        self.help = help
        self.standard = standard
    }
}

/// The options of one program: an enumeration whose cases are the rows of its table, in order.
public protocol OptionTable: CaseIterable, RawRepresentable, Sendable where RawValue == Int {
    var option: Option { get }
    static var program: Program { get }
}

/// What `--help` says beside the options.
public struct Program: Sendable {
    public let name: StaticString
    /// One sentence: what it does.
    public let summary: StaticString
    /// Lines after the options: examples, files.
    public let notes: StaticString

    public init(_ name: StaticString, _ summary: StaticString, notes: StaticString) {
        self.name = name
        self.summary = summary
        self.notes = notes
    }
}

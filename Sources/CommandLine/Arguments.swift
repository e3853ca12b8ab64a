import Platform

/// A program's options as they were given.
public struct Arguments<Table: OptionTable> {
    private var values: [String?]
    private var given: [Bool]

    /// Reads the process's arguments. `--help` and `--version` are answered by every program, and nil is returned. No
    /// program takes operands.
    static func parse() throws(Failure) -> Arguments? {
        let table = Table.allCases.map { $0.option }
        var result = Arguments(values: table.map { _ in nil }, given: table.map { _ in false })
        let scanner = OptionScanner(
            (table + Help.options).map {
                ScannedOption(letter: $0.letter, name: $0.name, takesArgument: $0.argument != nil)
            })
        while true {
            switch scanner.next() {
            case .option(table.count, _):
                try Terminal.output(Help.text(for: Table.self))
                return nil
            case .option(table.count + 1, _):
                try Terminal.output("\(Table.program.name.description) \(Version.number.description)")
                return nil
            case .option(let place, let value):
                // The second one would silently win.
                guard value == nil || !result.given[place] else {
                    throw .usage("--\(table[place].name.description) is given twice")
                }
                result.values[place] = value
                result.given[place] = true
            case .wrong(let text):
                throw .usage("\(text): no such option, or its argument is missing")
            case .notText(let text):
                throw .usage("\(text): not UTF-8; rename the file")
            case .end(let operands):
                guard let first = operands.first else { return result }
                throw .usage("\(first): unexpected argument")
            }
        }
    }

    /// The option's argument, or its default.
    public subscript(option: Table) -> String? {
        values[option.rawValue] ?? option.option.standard.map { $0.description }
    }

    /// True when the option was given.
    public func has(_ option: Table) -> Bool { given[option.rawValue] }

    /// Refuses every option that was given and is not among these: `what` they do not go with.
    public func allow(_ allowed: [Table], with what: StaticString) throws(Failure) {
        for option in Table.allCases where has(option) && !allowed.contains(where: { $0.rawValue == option.rawValue }) {
            throw .usage("\(name(option)) does not go with \(what.description)")
        }
    }

    /// The argument of an option that cannot do without.
    public func required(_ option: Table) throws(Failure) -> String {
        guard let value = self[option] else { throw .usage("\(name(option)) is missing") }
        return value
    }

    /// A whole number of 64 bits within `range`.
    public func integer(_ option: Table, in range: ClosedRange<Int64>) throws(Failure) -> Int64 {
        let text = try required(option)
        // Int64's own initializer takes a sign and digits, and nil for anything beyond 64 bits.
        guard let value = Int64(text), range.contains(value) else {
            let bounds = range == .min ... .max ? "within 64 bits" : "from \(range.lowerBound) to \(range.upperBound)"
            throw .usage("\(name(option)) \(text): expected a whole number \(bounds)")
        }
        return value
    }

    /// A span of time in seconds, at least one: digits, and `s`, `m`, `h` or `d` (seconds where none is given).
    public func seconds(_ option: Table) throws(Failure) -> Int64 {
        let text = try required(option)
        guard let value = Duration.seconds(text) else {
            throw .usage("\(name(option)) \(text): expected a time such as 90, 90s, 10m, 6h or 1d")
        }
        return value
    }

    private func name(_ option: Table) -> String { "--\(option.option.name.description)" }
}

enum Duration {
    static func seconds(_ text: String) -> Int64? {
        var digits = Array(text.utf8)
        var unit: Int64 = 1
        switch digits.last {
        case UInt8(ascii: "s"): digits.removeLast()
        case UInt8(ascii: "m"): (unit, _) = (60, digits.removeLast())
        case UInt8(ascii: "h"): (unit, _) = (3600, digits.removeLast())
        case UInt8(ascii: "d"): (unit, _) = (86400, digits.removeLast())
        default: break
        }
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let count = Int64(String(decoding: digits, as: UTF8.self))
        else { return nil }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        return overflow || seconds < 1 ? nil : seconds
    }
}

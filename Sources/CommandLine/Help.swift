/// The text of `--help`, from a program's table.
enum Help {
    /// The two options that every program has, after its own.
    static let options = [
        Option("h", "help", nil, "print this text and exit"),
        Option(nil, "version", nil, "print the version and exit"),
    ]

    static func text<Table: OptionTable>(for table: Table.Type) -> String {
        let program = Table.program
        var lines = ["usage: \(program.name.description) [OPTION]...", program.summary.description, ""]
        let rows = (Table.allCases.map { $0.option } + options).map { (label(of: $0), $0) }
        let width = rows.reduce(0) { max($0, $1.0.utf8.count) } + 2
        for (label, option) in rows {
            var line = label + String(repeating: " ", count: width - label.utf8.count) + option.help.description
            if let standard = option.standard { line += " (default \(standard.description))" }
            lines.append(line)
        }
        let notes = program.notes.description
        if !notes.isEmpty { lines += ["", notes] }
        var text = ""
        for (place, line) in lines.enumerated() { text += place == 0 ? line : "\n" + line }
        return text
    }

    private static func label(of option: Option) -> String {
        var label = "  "
        if let letter = option.letter {
            label += "-\(String(decoding: [letter], as: UTF8.self)), "
        } else {
            label += "    "
        }
        label += "--\(option.name.description)"
        if let argument = option.argument { label += " \(argument.description)" }
        return label
    }
}

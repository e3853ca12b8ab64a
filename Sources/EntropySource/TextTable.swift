/// A table for a person: a heading and rows, the columns under each other.
struct TextTable {
    private var rows: [[String]]

    init(_ heading: [String]) { rows = [heading] }

    mutating func add(_ row: [String]) { rows.append(row) }

    /// Without spaces at the end of a line.
    var lines: [String] {
        let columns = rows[0].count
        let widths = (0..<columns).map { column in rows.reduce(0) { max($0, $1[column].utf8.count) } + 2 }
        return rows.map { row in
            var line = ""
            for column in 0..<(columns - 1) {
                line += row[column] + String(repeating: " ", count: widths[column] - row[column].utf8.count)
            }
            line += row[columns - 1]
            return String(decoding: line.utf8.reversed().drop { $0 == 0x20 }.reversed(), as: UTF8.self)
        }
    }
}

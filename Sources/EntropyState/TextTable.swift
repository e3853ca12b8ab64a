/// Columns for a person.
package enum TextTable {
    /// One line for each row, which all have as many cells; two blanks stand between columns, none at the end.
    package static func lines(_ rows: [[String]]) -> [String] {
        let count = rows.first?.count ?? 0
        let widths = (0..<count).map { column in rows.reduce(0) { max($0, $1[column].utf8.count) } + 2 }
        return rows.map { row in
            var line = ""
            for column in 0..<count {
                line += row[column] + String(repeating: " ", count: widths[column] - row[column].utf8.count)
            }
            return String(decoding: line.utf8.reversed().drop { $0 == 0x20 }.reversed(), as: UTF8.self)
        }
    }
}

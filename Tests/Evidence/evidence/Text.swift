/// A number with so many decimals, rounded: the board's Swift has no formatting.
func fixed(_ value: Double, _ decimals: Int) -> String {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let whole = Int64((value * scale).rounded())
    var digits = "\(whole.magnitude)"
    while digits.utf8.count <= decimals { digits = "0" + digits }
    let sign = whole < 0 ? "-" : ""
    guard decimals > 0 else { return sign + digits }
    let bytes = Array(digits.utf8)
    let point = bytes.count - decimals
    return sign + String(decoding: bytes[..<point], as: UTF8.self) + "."
        + String(decoding: bytes[point...], as: UTF8.self)
}

/// Words in columns of these widths: the first to the left, the others to the right.
func row(_ words: [String], _ widths: [Int]) -> String {
    var line = ""
    for (place, word) in words.enumerated() {
        let room = String(repeating: " ", count: max(0, widths[place] - word.utf8.count))
        line += place == 0 ? word + room : "  " + room + word
    }
    return line
}

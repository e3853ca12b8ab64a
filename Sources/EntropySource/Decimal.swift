/// A number with two decimals, as people and JSON read it. Embedded Swift's own form has as many as it takes.
func decimal(_ value: Double) -> String {
    let hundredths = Int64((value * 100).rounded())
    let (whole, part) = (hundredths.magnitude / 100, hundredths.magnitude % 100)
    return "\(hundredths < 0 ? "-" : "")\(whole).\(part < 10 ? "0" : "")\(part)"
}

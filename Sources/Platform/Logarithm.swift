import CPlatform

/// The binary logarithm. The board's Swift has no mathematics beyond the square root.
public func log2(_ value: Double) -> Double { CPlatform.log2(value) }

/// 2 to the power of `value`.
public func exp2(_ value: Double) -> Double { CPlatform.exp2(value) }

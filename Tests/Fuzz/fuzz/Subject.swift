/// Something that reads bytes from outside, with what must hold of whatever it accepts.
struct Subject: Sendable {
    let name: String
    /// Takes any bytes, and returns whether they were accepted; ends the process where an invariant does not hold.
    let run: @Sendable ([UInt8]) -> Bool

    static let all: [Subject] = packetSubjects + derSubjects + jsonSubjects + stateFileSubjects + keySubjects

    static func named(_ name: String) -> Subject? { all.first { $0.name == name } }
}

/// The first result within a few tries. OpenSSL judges a modulus by chance: one that has a small factor, as no generator
/// makes it but a fuzzer does, is taken most of the time and refused now and then.
func retrying<T>(_ body: () -> T?) -> T? {
    for _ in 0..<10 { if let result = body() { return result } }
    return nil
}

/// Ends the process, with the message also in an optimized build, where `precondition` has none.
func require(_ condition: Bool, _ message: @autoclosure () -> String, line: UInt = #line, file: StaticString = #fileID)
{
    if !condition { fatalError(message(), file: file, line: line) }
}

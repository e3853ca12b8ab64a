/// Whether a source may be trusted: it has to pass a start-up test first (NIST SP 800-90B, 4.3), is tested all the time, and
/// after a failure has to pass the start-up test anew. One that fails again and again is given up.
public struct HealthMonitor: Sendable {
    /// Where a source stands.
    public enum Status: Sendable, Equatable {
        /// In its start-up test.
        case untested
        case healthy
        /// It failed, and has not passed a start-up test since.
        case intermittent
        /// It failed so many times without passing a start-up test in between that it is not tried again.
        case permanent
    }

    /// Samples of the start-up test, as many as the standard asks for.
    public static let startUpSamples = 1024
    /// Failures in a row that make one that is permanent.
    public static let permanentFailures = 10

    public private(set) var status = Status.untested
    /// Since it was healthy last.
    public private(set) var failures = 0
    private var tests: HealthTests
    private var passed = 0

    /// `entropy` is claimed, in bits per byte.
    public init(entropy: Double) {
        tests = HealthTests(entropy: entropy)
    }

    /// Tests the next bytes that the source gave, and says what was wrong with them.
    public mutating func add(_ bytes: [UInt8]) -> HealthFailure? {
        guard status != .permanent else { return nil }
        if let failure = tests.add(bytes) {
            failures += 1
            status = failures >= HealthMonitor.permanentFailures ? .permanent : .intermittent
            startAnew()
            return failure
        }
        guard status != .healthy else { return nil }
        passed += bytes.count
        if passed >= HealthMonitor.startUpSamples {
            status = .healthy
            failures = 0
        }
        return nil
    }

    /// The source was away: what it gives next has to pass the start-up test.
    public mutating func restart() {
        if status == .healthy { status = .untested }
        startAnew()
    }

    private mutating func startAnew() {
        tests.restart()
        passed = 0
    }
}

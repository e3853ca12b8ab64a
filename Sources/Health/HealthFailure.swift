/// Which health test tripped, and on what.
public enum HealthFailure: Sendable, Equatable {
    /// One value came `count` times in a row.
    case repetition(count: Int)
    /// One value came `count` times within a window.
    case proportion(count: Int)
    /// A block of `size` bytes came again.
    case stuckBlock(size: Int)

    /// As the standard names the test.
    public var test: StaticString {
        switch self {
        case .repetition: "repetition count test"
        case .proportion: "adaptive proportion test"
        case .stuckBlock: "stuck-block test"
        }
    }

    public var message: String {
        switch self {
        case .repetition(let count): "\(test): one byte \(count) times in a row"
        case .proportion(let count): "\(test): one byte \(count) times among \(Cutoff.window)"
        case .stuckBlock(let size): "\(test): \(size) bytes came again"
        }
    }
}

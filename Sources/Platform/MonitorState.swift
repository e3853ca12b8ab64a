/// What `--check-age` tells a monitor: the exit codes of Nagios' plugins, and the word for each.
public enum MonitorState: Int32, Sendable {
    case ok = 0
    case warning = 1
    case critical = 2
    case unknown = 3

    private var word: StaticString {
        switch self {
        case .ok: "OK"
        case .warning: "WARNING"
        case .critical: "CRITICAL"
        case .unknown: "UNKNOWN"
        }
    }

    /// The one line that goes with the code.
    public func line(_ text: String) -> String { "ENTROPY \(word.description) - \(text)" }
}

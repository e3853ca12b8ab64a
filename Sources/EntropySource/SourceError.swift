import EntropyState
import Fortuna
import Platform

/// Why a source cannot start, or why a target was not served.
public enum SourceError: Diagnostic {
    /// No noise source works.
    case noise(NoiseError)
    case fortuna(FortunaError)
    case state(StateError)
    /// The clock says less than the program's release: it was not set since the board was switched on.
    case clockNotSet(Int64)
    /// The clock went so many seconds further, or less far, than time did.
    case clockJumped(Int64)
    /// It did so less than a minute ago.
    case clockSettling
    /// libcurl could not be started.
    case libcurl(String)

    public var exitCode: ExitCode {
        switch self {
        case .noise(let error): error.exitCode
        case .fortuna(let error): error.exitCode
        case .state(let error): error.exitCode
        case .clockNotSet, .clockJumped, .clockSettling, .libcurl: .failed
        }
    }

    public var message: String {
        switch self {
        case .noise(let error): error.message
        case .fortuna(let error): error.message
        case .state(let error): error.message
        case .clockNotSet(let now):
            "the clock is not set (it says \(now) s after 1970, before this program was released): nothing is sent until it is"
        case .clockJumped(let seconds):
            "the clock jumped by \(seconds) s: nothing is sent until it has been steady for a minute"
        case .clockSettling: "the clock jumped a moment ago: nothing is sent until it has been steady for a minute"
        case .libcurl(let text): text
        }
    }
}

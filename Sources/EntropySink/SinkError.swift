import EntropyState
import NIOCore
import Platform

/// Why a sink cannot start.
public enum SinkError: Diagnostic {
    /// The counter could not be stored, should a packet come.
    case counter(StateError)
    /// What chunks are mixed into cannot be opened.
    case pool(SystemError)
    /// A member of the configuration that cannot change while the sink runs.
    case needsRestart(String)
    /// The sink is about to end.
    case stopped
    /// The address cannot be listened on.
    case cannotListen(String, errno: Int32?)

    public var exitCode: ExitCode {
        switch self {
        case .counter(let error): error.exitCode
        case .pool(let error): error.exitCode
        case .cannotListen(_, let errno?) where SystemError("", "", errno: errno).exitCode == .permission:
            .permission
        case .needsRestart, .stopped: .failed
        case .cannotListen: .unavailable
        }
    }

    public var message: String {
        switch self {
        case .counter(let error): error.message
        case .pool(let error): error.message
        case .needsRestart(let field): "\(field) is another one now: restart the sink"
        case .stopped: "the sink is about to end"
        case .cannotListen(let address, let errno?): "cannot listen on \(address): \(describe(errno: errno))"
        case .cannotListen(let address, nil): "cannot listen on \(address): its host cannot be resolved"
        }
    }
}

extension IOError {
    /// The machine has no IPv6.
    var isLackOfIPv6: Bool { SystemError.isLackOfIPv6(errnoCode) }
}

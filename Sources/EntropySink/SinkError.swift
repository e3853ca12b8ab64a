import NIOCore
import Platform

/// Why a sink cannot start.
public enum SinkError: Diagnostic {
    /// What chunks are mixed into cannot be opened.
    case pool(SystemError)
    /// The address cannot be listened on.
    case cannotListen(String, errno: Int32?, String)

    public var exitCode: ExitCode {
        switch self {
        case .pool(let error): error.exitCode
        case .cannotListen(_, let errno?, _) where SystemError("", "", errno: errno).exitCode == .permission:
            .permission
        case .cannotListen: .unavailable
        }
    }

    public var message: String {
        switch self {
        case .pool(let error): error.message
        case .cannotListen(let address, let errno?, _): "cannot listen on \(address): \(describe(errno: errno))"
        case .cannotListen(let address, nil, let text): "cannot listen on \(address): \(text)"
        }
    }
}

extension IOError {
    /// The machine has no IPv6.
    var isLackOfIPv6: Bool { SystemError.isLackOfIPv6(errnoCode) }
}

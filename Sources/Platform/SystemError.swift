import CPlatform

/// A system call that failed: what was attempted, on which file or device, and errno.
public struct SystemError: Diagnostic {
    public enum Purpose: Sendable { case reading, creating }

    public let action: String
    public let path: String
    public let errno: Int32
    let purpose: Purpose

    /// Reads errno: make this the first thing after the failed call.
    public init(_ action: String, _ path: String, _ purpose: Purpose = .reading) {
        self.init(action, path, errno: CPlatform.platform_errno(), purpose)
    }

    public init(_ action: String, _ path: String, errno: Int32, _ purpose: Purpose = .reading) {
        self.errno = errno
        self.action = action
        self.path = path
        self.purpose = purpose
    }

    /// A file that must exist and does not.
    public static func missing(_ path: String) -> SystemError { SystemError("open", path, errno: ENOENT) }

    /// A device that is there, with nothing behind it.
    public static func lackOfDevice(_ path: String) -> SystemError { SystemError("read", path, errno: ENODEV) }

    /// A file that must not be overwritten.
    public static func existing(_ path: String) -> SystemError { SystemError("create", path, errno: EEXIST, .creating) }

    /// A directory where a file is to be written.
    public static func directory(_ path: String) -> SystemError { SystemError("write", path, errno: EISDIR, .creating) }

    /// True for what bind(2) says on a machine without IPv6.
    public static func isLackOfIPv6(_ errno: Int32) -> Bool { errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL }

    /// Another program that changes the file again and again.
    public static func busy(_ path: String) -> SystemError {
        SystemError("change (another program does so without a rest)", path, errno: EBUSY, .creating)
    }

    /// True where a file could not be made or written.
    public var isAboutWriting: Bool { purpose == .creating }
    public var isMissing: Bool { errno == ENOENT }
    public var isExisting: Bool { errno == EEXIST }
    public var isDenied: Bool { errno == EACCES || errno == EPERM }
    public var isLackOfDevice: Bool { errno == ENODEV }
    /// The kernel has no such sockets, or not for this process.
    public var isLackOfFamily: Bool { errno == EAFNOSUPPORT }
    /// Another process holds the lock.
    public var isHeld: Bool { errno == EWOULDBLOCK }
    /// The file is longer than what was to be read of it.
    public var isTooLong: Bool { errno == EFBIG }

    public var exitCode: ExitCode {
        switch errno {
        case EACCES, EPERM: .permission
        case ENOENT, ENOTDIR: purpose == .creating ? .cannotCreate : .missingInput
        case EFBIG, EISDIR, EINVAL: purpose == .creating ? .cannotCreate : .badInput
        default: purpose == .creating ? .cannotCreate : .failed
        }
    }

    public var message: String {
        isExisting
            ? "\(path): exists already; it was left as it is (--force replaces it)"
            : "\(path): cannot \(action): \(describe(errno: errno))"
    }
}

/// The system's words for an errno value.
public func describe(errno: Int32) -> String {
    // 128 bytes hold every message of glibc; strerror_r cuts what is longer.
    var text = [CChar](repeating: 0, count: 128)
    text.withUnsafeMutableBufferPointer { buffer in
        if let base = buffer.baseAddress { platform_error_text(errno, base, buffer.count) }
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

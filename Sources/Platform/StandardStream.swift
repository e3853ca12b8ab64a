import CPlatform

/// The two streams that every process has; written to at once, without a buffer.
public enum StandardStream: Int32, Sendable {
    case output = 1
    case error = 2

    public func write(_ bytes: [UInt8]) throws(SystemError) {
        try writeAll(bytes, to: rawValue, path: self == .output ? "standard output" : "standard error")
    }
}

/// Writes all of `bytes` to a descriptor, however many calls it takes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(SystemError) {
    var done = 0
    while done < bytes.count {
        let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress! + done, bytes.count - done) }
        if count > 0 {
            done += count
        } else if count < 0, platform_errno() != EINTR {
            throw SystemError("write", path, .creating)
        }
    }
}

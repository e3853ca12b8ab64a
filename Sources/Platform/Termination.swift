import CPlatform

/// The wish to end, from SIGTERM or SIGINT: seen at the next wait, so that a program can finish what it does and write
/// its files. A second signal ends the process at once, should it hang in a device.
public final class Termination {
    /// Readable once a signal came: to be polled together with sockets.
    public let descriptor: Int32
    public private(set) var isRequested = false

    public init() throws(SystemError) {
        descriptor = platform_watch_termination()
        guard descriptor >= 0 else { throw SystemError("watch for", "SIGTERM") }
    }

    /// Sleeps for `milliseconds`, or until a signal. Returns true when the program shall end.
    public func wait(milliseconds: Int64) -> Bool {
        if isRequested { return true }
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = poll(&request, 1, Int32(clamping: max(0, milliseconds)))
        if ready > 0 { isRequested = true }
        return isRequested
    }

    /// Looks without waiting.
    public func check() -> Bool { wait(milliseconds: 0) }
}

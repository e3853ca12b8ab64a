import CPlatform

/// The wish to read the configuration anew, from SIGHUP.
public final class Reload {
    private let descriptor: Int32

    public init() throws(SystemError) {
        descriptor = platform_watch_reload()
        guard descriptor >= 0 else { throw SystemError("watch for", "SIGHUP") }
    }

    /// What a service is asked for.
    public enum Wish: Sendable { case nothing, reload, end }

    /// Sleeps for `milliseconds`, or until a signal. To end comes before everything else.
    public func wait(_ termination: Termination, milliseconds: Int64) -> Wish {
        var requests = [
            pollfd(fd: termination.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
        ]
        let ready = poll(&requests, 2, Int32(clamping: max(0, milliseconds)))
        if termination.check() { return .end }
        guard ready > 0, requests[1].revents != 0 else { return .nothing }
        platform_drain(descriptor)
        return .reload
    }
}

import CPlatform

/// What sockets tell beside their data.
public enum Network {
    /// Bytes that were sent and that the peer's machine has not acknowledged; 0 also where the kernel does not say.
    public static func unacknowledgedBytes(_ socket: Int32) -> Int32 { platform_unacknowledged(socket) }
}

import CPlatform

/// The one lock of the process, for what all threads share and use for a few instructions. Never held twice by one thread.
public enum ProcessLock {
    public static func withLock<R>(_ body: () -> R) -> R {
        platform_lock()
        defer { platform_unlock() }
        return body()
    }
}

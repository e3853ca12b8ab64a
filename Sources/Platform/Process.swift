import CPlatform

/// This process as a whole.
public enum Process {
    /// Ends the process. Nothing that must be closed may be open: no deinit runs.
    public static func exit(_ code: ExitCode) -> Never { CPlatform.exit(code.rawValue) }

    /// The same for a monitor.
    public static func exit(_ state: MonitorState) -> Never { CPlatform.exit(state.rawValue) }

    /// A write to a connection that the peer closed, or beyond a limit, shall fail with an error and not end the process.
    public static func ignoreWriteSignals() { platform_ignore_write_signals() }

    /// Has this process open so many files and connections at once, as far as it is allowed to. Returns how many are
    /// possible now.
    public static func raiseDescriptorLimit(to wanted: Int) -> Int {
        Int(clamping: platform_raise_descriptor_limit(UInt64(clamping: wanted)))
    }

    /// Keeps what this process has in memory to itself: it leaves no core file, only root may look into it, and the C library
    /// overwrites memory that is freed (pieces of 1 KB and more, of 500 bytes and more on a board of 32 bits).
    public static func protectMemory() { platform_protect_memory() }

    /// Has threads that libraries start from now on take so many bytes for their stack.
    public static func limitThreadStacks(to bytes: Int) { platform_limit_thread_stacks(bytes) }

    public static func sleep(milliseconds: Int64) { _ = poll(nil, 0, Int32(clamping: milliseconds)) }

    /// An environment variable; nil when it is unset or empty.
    public static func environment(_ name: String) -> String? {
        guard let value = getenv(name), value[0] != 0 else { return nil }
        return String(cString: value)
    }
}

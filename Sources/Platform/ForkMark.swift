import CPlatform

/// Tells a process from its copies: what fork(2) duplicates, a generator's state before all, must not be used twice.
public struct ForkMark: ~Copyable {
    private let mark: UnsafePointer<UInt8>  // one page, owned
    private let process = getpid()

    public init() {
        guard let mark = platform_fork_mark() else { preconditionFailure("out of memory") }
        self.mark = mark
    }

    deinit { platform_free_fork_mark(mark) }

    /// True in every copy of the process that made this value.
    public var isInCopy: Bool { platform_has_fork_mark(mark) == 0 || getpid() != process }
}

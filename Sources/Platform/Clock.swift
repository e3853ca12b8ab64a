import CPlatform

/// The two clocks, passed in so that tests can turn them by hand.
public struct Clock: Sendable {
    /// Seconds since 1970, 64 bits on every machine. May jump.
    public let unixTime: @Sendable () -> Int64
    /// Milliseconds since some moment; never goes back, and goes on while the machine is suspended.
    public let milliseconds: @Sendable () -> Int64

    public init(
        unixTime: @escaping @Sendable () -> Int64,
        milliseconds: @escaping @Sendable () -> Int64
    ) {
        self.unixTime = unixTime
        self.milliseconds = milliseconds
    }

    public static var system: Clock {
        Clock(unixTime: { platform_unix_time() }, milliseconds: { platform_monotonic_milliseconds() })
    }

    /// Nanoseconds since some moment, as finely as the machine can tell: for what is measured, not for what is planned.
    public static func nanoseconds() -> Int64 { platform_monotonic_nanoseconds() }
}

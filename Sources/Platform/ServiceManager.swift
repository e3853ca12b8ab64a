import CPlatform

/// What a service tells systemd of itself, by sd_notify(3)'s protocol: nothing where nobody asked for it.
public enum ServiceManager {
    /// It is at work.
    public static func ready() { notify("READY=1") }

    /// It is about to read its configuration anew; `ready` says when that is done. systemd tells by the time which of
    /// several it is about.
    public static func reloading() { notify("RELOADING=1\nMONOTONIC_USEC=\(platform_monotonic_microseconds())") }

    /// It is about to end.
    public static func stopping() { notify("STOPPING=1") }

    /// It still lives: for WatchdogSec=, more often than half of that.
    public static func alive() { notify("WATCHDOG=1") }

    /// Milliseconds within which systemd wants to hear of this process; nil where it does not.
    public static var watchdog: Int64? {
        guard let text = Process.environment("WATCHDOG_USEC"), let microseconds = Int64(text), microseconds > 0 else {
            return nil
        }
        return microseconds / 1000
    }

    /// One line on how it does, for `systemctl status`.
    public static func status(_ line: String) { notify("STATUS=\(line)") }

    /// The file with a secret that the service manager hands over under this name (systemd's `LoadCredential=`); nil where it
    /// hands over none.
    public static func credential(_ name: StaticString) -> String? {
        guard let directory = Process.environment("CREDENTIALS_DIRECTORY") else { return nil }
        let path = "\(directory)/\(name.description)"
        return Path.exists(path) ? path : nil
    }

    private static func notify(_ state: String) {
        // Whoever asked for it may be gone: then there is nobody left to tell.
        if let path = Process.environment("NOTIFY_SOCKET") { _ = platform_notify(path, state) }
    }
}

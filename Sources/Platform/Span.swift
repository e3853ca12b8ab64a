/// A span of time as a person says it.
public enum Span {
    /// "12 s", "48 min", "5 h 48 min", "364 days 3 h"; "0 s" for what is not above zero.
    public static func words(_ seconds: Int64) -> String {
        let seconds = max(0, seconds)
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400)
        if minutes < 2 { return "\(seconds) s" }
        if hours < 1 { return "\(minutes) min" }
        if days < 2 { return "\(hours) h \(minutes % 60) min" }
        return "\(days) days \(hours % 24) h"
    }
}

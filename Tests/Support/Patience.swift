import Dispatch
import Foundation

/// How much longer a test waits. A clock that is set, or a machine that was suspended for a while, uses up half a second at
/// the most: what is waited for had no more time than that, either.
struct Patience {
    private var left: Double
    private var last = DispatchTime.now().uptimeNanoseconds

    init(seconds: Double) { left = seconds }

    /// True until the time is over. To be asked again and again, several times a second.
    mutating func remains() -> Bool {
        let now = DispatchTime.now().uptimeNanoseconds
        left -= min(0.5, Double(now - last) / 1e9)
        last = now
        return left > 0
    }
}

/// How many deliveries use the link at once. A hotspot of a few hundred bytes a second carries one packet in the time that
/// a sink waits for it; 32 at once would all be late. So the number begins low, grows with each packet that was
/// acknowledged promptly, and is halved by each that was not: as TCP does it with segments, only that here each delivery is
/// a connection of its own and knows nothing of the others.
///
/// Times are milliseconds of the monotonic clock.
struct LinkWindow {
    /// Deliveries at once, at least one.
    private(set) var size: Int
    private let largest: Int
    /// When the latest of the packets was sent that were acknowledged promptly.
    private var latestPrompt: Int64 = .min

    /// Until when a packet counts as acknowledged promptly: two on a link of 500 bytes/s, with some to spare.
    static let promptness: Int64 = 8_000

    init(largest: Int) {
        self.largest = max(1, largest)
        size = min(2, self.largest)
    }

    /// A packet that was sent at `start` has been acknowledged.
    mutating func acknowledged(sentAt start: Int64, now: Int64) {
        if now - start <= LinkWindow.promptness {
            size = min(largest, size + 1)
            latestPrompt = max(latestPrompt, start)
        } else if isHeld(sentAt: start, now: now) {
            size = max(1, size / 2)
        }
    }

    /// True while a packet that was sent at `start`, and was not acknowledged yet, takes a place. When one that was sent
    /// after it was prompt, the link is not to blame but the way to that sink: it gives its place up.
    func isHeld(sentAt start: Int64, now: Int64) -> Bool {
        now - start <= LinkWindow.promptness || latestPrompt <= start
    }
}

/// How much of the link deliveries take at once. A hotspot of a few hundred bytes a second carries one packet in the time that
/// a sink waits for it; 32 at once would all be late. So the number begins low, grows with each packet that was
/// acknowledged promptly, and is halved by each that was not: as TCP does it with segments, only that here each delivery is
/// a connection of its own and knows nothing of the others.
///
/// Times are milliseconds of the monotonic clock.
struct LinkWindow {
    /// Packets at once, at least one.
    private(set) var size: Int
    private let largest: Int
    /// When the latest of the packets was sent that were acknowledged promptly.
    private var latestPrompt: Int64 = .min

    /// How long the last packet took.
    private var lastTime: Int64 = 0
    /// How long connections take to be made, smoothed, and how much that varies; nil before the first one was made.
    private var connecting: (time: Int64, deviation: Int64)?

    /// Until when a packet counts as acknowledged promptly. A packet that takes a link of 500 bytes/s three seconds is not:
    /// behind another one, TCP would take it for lost, and send it again and again.
    static let promptness: Int64 = 2_000
    /// Until when it may hold its place at the most: a link of 100 bytes/s takes fifteen seconds for it.
    static let longestHold: Int64 = 20_000

    private static let longestPatience: Int64 = 1_000
    private static let firstPatience: Int64 = 500
    private static let leastPatience: Int64 = 50
    /// So that hundreds of names that nobody knows are all being looked up within a second.
    private static let shortLookup: Int64 = 10
    /// The longest for a link that was slow when it was last used.
    private static let slowPatience: Int64 = 3_000
    /// Connections that are begun at once where nothing is known against it: an attempt is a few bytes.
    private static let firstConnections = 4

    init(largest: Int) {
        self.largest = max(1, largest)
        size = 1
    }

    /// A packet that was sent at `start` has been acknowledged.
    mutating func acknowledged(sentAt start: Int64, now: Int64) {
        lastTime = now - start
        if now - start <= LinkWindow.promptness {
            size = min(largest, size + 1)
            latestPrompt = max(latestPrompt, start)
        } else if latestPrompt <= start {
            size = max(1, size / 2)
        }
    }

    /// True while a packet that was sent at `start`, and was not acknowledged yet, takes a place. When one that was sent
    /// after it was prompt, the link is not to blame but the way to that sink: it gives its place up.
    func isHeld(sentAt start: Int64, now: Int64) -> Bool {
        now - start <= LinkWindow.promptness
            || latestPrompt <= start && now - start <= LinkWindow.longestHold
    }

    /// True for a link that was slow when it was last used.
    var isSlow: Bool { lastTime > LinkWindow.promptness }

    /// Connections at once that are being made, or whose packets wait for their turn or are on the link: as many as packets,
    /// and a few more on a link that is not known to be slow, so that one packet's turn is not spent on connecting.
    var connections: Int { isSlow ? size : max(size, min(largest, LinkWindow.firstConnections)) }

    /// Milliseconds after which a name that is being looked up takes no place any more. Name servers may take very long, and a
    /// question is a few bytes.
    var lookupPatience: Int64 { isSlow ? LinkWindow.slowPatience : LinkWindow.shortLookup }

    /// A connection was made, so many milliseconds after it was begun.
    mutating func connected(after time: Int64) {
        guard let (smoothed, deviation) = connecting else {
            connecting = (time, time / 2)
            return
        }
        // As RFC 6298 has it for the time of a round trip.
        connecting = (smoothed + (time - smoothed) / 8, deviation + (abs(time - smoothed) - deviation) / 4)
    }

    /// Milliseconds after which a connection that is not made yet takes no place any more: what it sends from then on is a
    /// few bytes now and then. Longer than connections mostly take, so that a slow link is not flooded with attempts, and no
    /// longer, so that black holes take nobody's place.
    var patience: Int64 {
        guard !isSlow else { return LinkWindow.slowPatience }
        guard let connecting else { return LinkWindow.firstPatience }
        return min(
            LinkWindow.longestPatience, max(LinkWindow.leastPatience, connecting.time + 4 * connecting.deviation))
    }
}

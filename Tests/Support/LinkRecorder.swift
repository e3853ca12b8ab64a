import Foundation

/// What TCP sent over a link, frame by frame: recorded by tcpdump at the source's end, behind its own queue.
public final class LinkRecorder: Sendable {
    public struct Frame: Sendable {
        /// Unix time.
        public let time: Double
        public let isFromSource: Bool
        /// Bytes with the Ethernet header, and those of TCP's payload among them.
        public let size: Int
        public let payload: Int
        /// What tcpdump says of it.
        public let text: String

        /// Nil for a line that describes no frame.
        fileprivate init?(_ line: Substring) {
            // TIME FROM > TO, ethertype IPv4 (0x0800), length SIZE: HOST.PORT > HOST.PORT: Flags [S], ..., length PAYLOAD
            let words = line.split(separator: " ")
            func number(after place: Int?) -> Int? {
                guard let place, place + 1 < words.count else { return nil }
                return Int(words[place + 1].prefix { $0.isNumber })
            }
            guard let time = words.first.flatMap({ Double($0) }), words.count > 1,
                let size = number(after: words.firstIndex(of: "length"))
            else { return nil }
            self.time = time
            self.size = size
            isFromSource = words[1] == NetworkNamespaces.Side.source.ethernet
            payload = words.contains("Flags") ? number(after: words.lastIndex(of: "length")) ?? 0 : 0
            text = String(line)
        }
    }

    private let running: Running

    public init(_ link: NetworkNamespaces) throws {
        running = try Running(
            link.inside(.source, ["tcpdump", "-i", "link0", "--immediate-mode", "-l", "-n", "-e", "-tt", "tcp"]))
        let running = running
        guard eventually({ running.errors.contains("listening on") }) else { throw SetupFailed(text: running.errors) }
    }

    /// Frames so far.
    public var frames: [Frame] {
        let lines = running.output
        // The last line may be on its way.
        return lines[..<(lines.lastIndex(of: "\n") ?? lines.startIndex)].split(separator: "\n").compactMap { Frame($0) }
    }

    /// All frames: when none has crossed for two seconds, since the last acknowledgements come after the programs have ended. It
    /// prints each at once; it is not ended by a signal, since what starts it may have blocked or ignored any of them.
    public func settle() -> [Frame] {
        var (last, since) = (frames.count, ContinuousClock.now)
        _ = eventually {
            let count = frames.count
            if count != last { (last, since) = (count, .now) }
            return ContinuousClock.now - since > .seconds(2)
        }
        return frames
    }
}

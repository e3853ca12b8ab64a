import Foundation

/// A port that answers nothing, as a sink behind a broken route: its backlog is full, so the kernel drops every attempt to
/// connect.
public final class BlackHole: Sendable {
    public let port: UInt16
    private let listener: Socket
    private let filler: Socket

    /// At every address of this machine.
    public init() throws {
        // With a backlog of 0 the kernel keeps one connection that nobody accepts.
        (listener, port) = try Socket.listen(backlog: 0, everywhere: true)
        filler = try Socket.connect(port)
    }

    /// Attempts to connect to it that wait at this moment.
    public var attempts: Int {
        // Number, ADDRESS:PORT, the other ADDRESS:PORT, and the state; TCP_SYN_SENT is 2.
        let table = (try? Data(contentsOfKernelFile: "/proc/net/tcp")) ?? Data()
        return String(decoding: table, as: UTF8.self).split(separator: "\n").count { row in
            let words = row.split(separator: " ")
            return words.count > 3 && words[3] == "02"
                && words[2].split(separator: ":").last.flatMap { UInt16($0, radix: 16) } == port
        }
    }
}

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
        // Each row has ADDRESS:PORT of the other end, and the state after it; TCP_SYN_SENT is 2.
        let table = (try? Data(contentsOfKernelFile: "/proc/net/tcp")) ?? Data()
        return table.ranges(of: Data(String(format: ":%04X 02 ", Int(port)).utf8)).count
    }
}

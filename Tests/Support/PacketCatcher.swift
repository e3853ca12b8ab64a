import Foundation

/// Stands where a sink would be, takes one frame from each connection and closes without a word, as an original sink does.
public final class PacketCatcher: @unchecked Sendable {
    public let port: UInt16
    private let listener: Socket
    private let lock = NSLock()
    private var caught: [[UInt8]] = []

    /// On a free port, or on this one.
    public init(port: UInt16 = 0, everywhere: Bool = false) throws {
        (listener, self.port) = try Socket.listen(backlog: 1024, everywhere: everywhere, port: port)
        let thread = Thread { [weak self, listener] in
            while true {
                guard let accepted = try? listener.accept() else {
                    if self == nil { return }
                    continue
                }
                let size = accepted.receive(2)
                guard size.count == 2 else { continue }
                let frame = accepted.receive(Int(size[0]) << 8 | Int(size[1]))
                self?.keep(frame)
            }
        }
        thread.start()
    }

    private func keep(_ frame: [UInt8]) { lock.withLock { caught.append(frame) } }

    /// What the frames held, in the order in which they came.
    public var frames: [[UInt8]] { lock.withLock { caught } }
}

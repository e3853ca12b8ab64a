import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// A plain TCP socket of a test, blocking, with a limit of two minutes for each call.
public final class Socket: @unchecked Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var limit = timeval(tv_sec: 120, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(descriptor) }

    private static func address(_ port: UInt16, _ host: UInt32 = 0x7f00_0001) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = host.bigEndian
        return address
    }

    private static func make() throws -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw POSIXError(.EMFILE) }
        return descriptor
    }

    private static func withAddress(
        _ port: UInt16, _ host: UInt32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = address(port, host)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    /// Connects to a port of this machine, from 127.0.0.1 or the address of that network with another last number.
    public static func connect(_ port: UInt16, from last: UInt8 = 1) throws -> Socket {
        let descriptor = try make()
        guard withAddress(0, 0x7f00_0000 | UInt32(last), { bind(descriptor, $0, $1) }) == 0,
            withAddress(port, 0x7f00_0001, { Glibc.connect(descriptor, $0, $1) }) == 0
        else {
            close(descriptor)
            throw POSIXError(.ECONNREFUSED)
        }
        return Socket(descriptor)
    }

    /// Listens on a free port of this machine, or on this one: at 127.0.0.1, or at every address.
    public static func listen(
        backlog: Int32 = 16, everywhere: Bool = false, port: UInt16 = 0
    ) throws -> (socket: Socket, port: UInt16) {
        let descriptor = try make()
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(port, everywhere ? 0 : 0x7f00_0001, { bind(descriptor, $0, $1) }) == 0,
            Glibc.listen(descriptor, backlog) == 0
        else {
            throw POSIXError(.EADDRINUSE)
        }
        let socket = Socket(descriptor)
        return (socket, socket.endpoint(getsockname).port)
    }

    public func accept() throws -> Socket {
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else { throw POSIXError(.EAGAIN) }
        return Socket(accepted)
    }

    public func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

    /// Sends a beginning, and zeros behind it until the other side takes no more, or so many bytes.
    public func sendOn(_ start: [UInt8], atMost limit: Int) {
        var limitOfCall = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limitOfCall, socklen_t(MemoryLayout<timeval>.size))
        var (block, sent) = (start, 0)
        while sent < limit {
            let count = Glibc.send(descriptor, block, block.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { break }
            sent += count
            block = [UInt8](repeating: 0, count: 4096)
        }
    }

    /// Bytes that the other side's kernel has acknowledged: `tcpi_bytes_acked`, the 64 bits at 120 of what tcp(7) calls TCP_INFO.
    public var acknowledged: UInt64 {
        var information = [UInt8](repeating: 0, count: 192)
        var size = socklen_t(information.count)
        guard getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_INFO, &information, &size) == 0, size >= 128 else {
            return .max
        }
        return information.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 120, as: UInt64.self) }
    }

    /// Says that nothing more will be sent.
    public func finishSending() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Waits until the program at the other end of a connection on this machine has read all that was sent.
    public func waitUntilRead() -> Bool {
        let (here, there) = (endpoint(getsockname).text, endpoint(getpeername).text)
        return eventually {
            // Of each end: its address, the other's, the state, and bytes in the queues, SENDING:RECEIVING.
            let table = (try? Data(contentsOfKernelFile: "/proc/net/tcp")) ?? Data()
            func queues(_ one: String, _ other: String) -> String {
                guard let found = table.range(of: Data("\(one) \(other) ".utf8)) else { return "" }
                return String(decoding: table[found.upperBound...].prefix(20).dropFirst(3), as: UTF8.self)
            }
            return queues(here, there).hasPrefix("00000000:") && queues(there, here).hasSuffix(":00000000")
        }
    }

    /// One end of this socket: its port, and address and port as /proc/net/tcp has them.
    private func endpoint(
        _ name: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> (port: UInt16, text: String) {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { name(descriptor, $0, &size) }
        }
        let port = UInt16(bigEndian: address.sin_port)
        return (port, String(format: "%08X:%04X", address.sin_addr.s_addr, Int(port)))
    }

    /// Reads until `count` bytes came, or the other side closed. A connection that stays open and silent fails the test.
    public func receive(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4096)
        while bytes.count < count {
            let got = recv(descriptor, &block, min(block.count, count - bytes.count), 0)
            if got < 0, errno == EAGAIN { Issue.record("nothing came, and the connection is still open") }
            guard got > 0 else { break }
            bytes += block[..<got]
        }
        return bytes
    }

    /// Reads and drops until the other side ends. Returns 0 for an end as usual, ECONNRESET for a reset, EAGAIN if neither came.
    public func end(seconds: Double = 120) -> Int32 {
        var block = [UInt8](repeating: 0, count: 4096)
        var patience = Patience(seconds: seconds)
        while patience.remains() {
            let got = recv(descriptor, &block, block.count, 0)
            if got == 0 { return 0 }
            if got < 0, errno != EAGAIN, errno != EINTR { return errno }
        }
        return EAGAIN
    }
}

import NIOCore
import Platform

// What Linux's sockets can do for a sink beside NIO's own options.
extension Channel {
    /// Has a listening socket take packets in the first segment of a connection, from peers to whose address this machine has
    /// given a cookie before (TCP Fast Open, RFC 7413). That needs bit 2 of net.ipv4.tcp_fastopen, and does nothing without.
    ///
    /// What comes in such a segment may be delivered twice, as two connections, when the network repeats the segment: the
    /// packet's counter makes that harmless.
    func takeFirstSegments() {
        // As many may be half open as may wait to be accepted; those beyond shake hands. A kernel that refuses serves all the same.
        try? setOption(.tcpOption(.init(rawValue: Network.fastOpen)), value: 4096).wait()
    }

    /// Says how the connection ends when it is closed, by this program or by the end of its process: with a reset, or as usual. A
    /// connection has this from the listening socket that accepted it, so there is no moment without.
    func end(byReset isReset: Bool) {
        // Where a test's channel has no socket there is nothing to set. The call is made at once, on the channel's own thread.
        _ = (self as? SocketOptionProvider)?.setSoLinger(Network.ending(byReset: isReset))
    }

    /// Has the kernel wake this program only when `count` bytes more have come, or the peer has ended: a peer that sends a packet
    /// byte by byte costs no more than one that sends it whole.
    func waitForBytes(_ count: Int) {
        // A kernel that refuses wakes it for each segment: slower, and nothing else.
        try? syncOptions?.setOption(
            .socketOption(.init(rawValue: Network.leastReadable)), value: .init(clamping: count))
    }
}

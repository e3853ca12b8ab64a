import NIOCore
import Platform

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
}

extension Source {
    /// What the options say.
    public struct Settings: Sendable {
        public let targets: String
        public let seed: String
        /// Seconds from one packet for a target to the next, and from one scan to the next.
        public let interval: Int64
        public let scan: Int64
        /// Unix time before which the clock cannot be right.
        public let earliest: Int64
        /// Where a running source writes what became of its deliveries; nil for nowhere.
        public let report: String?
        /// Believe a sink whose counter is far above ours.
        public let acceptsCounterJump: Bool
        /// Deliveries that use the link at once, at the most.
        public let parallel: Int
        public let proxy: Proxy
        /// Send a packet in the first segment to sinks that take it (TCP Fast Open).
        public let isFastOpenWanted: Bool
        /// Send although no physical noise source is healthy: for tests only.
        public let isSoftwareEnough: Bool
        /// Serve all at the first look, due or not.
        public let isNow: Bool
        /// Milliseconds within which the service manager wants to hear of a running source; nil where it does not.
        public let watchdog: Int64?
        /// What tells this machine from others, for the seed.
        public let identity: [UInt8]

        public init(
            targets: String, seed: String, interval: Int64, scan: Int64, earliest: Int64, report: String? = nil,
            acceptsCounterJump: Bool = false, parallel: Int = 32, proxy: Proxy = .none,
            isFastOpenWanted: Bool = false, isSoftwareEnough: Bool = false, isNow: Bool = false,
            watchdog: Int64? = nil, identity: [UInt8] = []
        ) {
            self.targets = targets
            self.seed = seed
            self.interval = interval
            self.scan = scan
            self.earliest = earliest
            self.report = report
            self.acceptsCounterJump = acceptsCounterJump
            self.parallel = parallel
            self.proxy = proxy
            self.isFastOpenWanted = isFastOpenWanted
            self.isSoftwareEnough = isSoftwareEnough
            self.isNow = isNow
            self.watchdog = watchdog
            self.identity = identity
        }
    }
}

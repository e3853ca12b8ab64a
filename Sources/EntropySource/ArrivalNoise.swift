import Platform

/// The moments at which something arrives from the network: of each the last eight bits of the clock, in nanoseconds.
public final class ArrivalNoise: NoiseSource {
    public let kind = NoiseKind.arrivals
    public let name = "arrival times"
    private var bytes: [UInt8] = []
    private let clock: () -> Int64

    /// Bytes that are kept: as many as one filling of the pools takes from any source, so that a busy network is no
    /// more than another source.
    static let capacity = NoiseFeed.fillSize

    public init(clock: @escaping () -> Int64 = Clock.nanoseconds) { self.clock = clock }

    /// Something arrived now.
    func note() {
        guard bytes.count < ArrivalNoise.capacity else { return }
        bytes.append(UInt8(truncatingIfNeeded: clock()))
    }

    public func gather(_ count: Int) -> [UInt8] {
        let given = Array(bytes.prefix(count))
        bytes.removeFirst(given.count)
        return given
    }
}

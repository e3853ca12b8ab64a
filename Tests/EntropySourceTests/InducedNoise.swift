import Platform

@testable import EntropySource

/// A noise source that fails as real ones do, when it is told to.
final class InducedNoise: NoiseSource {
    enum Failure: CaseIterable, Sendable {
        /// Gives an error, as a device that was pulled out.
        case gone
        /// The same 48 bytes again and again: a driver that repeats the chip's last answer.
        case stuck
        /// The rest of a short read is zeros.
        case zeros
        /// Every third byte is zero.
        case biased
        /// The kilobyte of last time: a generator that was seeded as before.
        case repeated

        /// What has to be said.
        var test: String {
            switch self {
            case .gone: "Input/output error"
            case .stuck, .repeated: "stuck-block test"
            case .zeros: "repetition count test"
            case .biased: "adaptive proportion test"
            }
        }
    }

    let kind: NoiseKind
    let name: String
    var failure: Failure?
    /// How often it was asked.
    private(set) var requests: [Int] = []
    /// What a request does besides, such as taking its time.
    var onRequest: () -> Void = {}
    private var last: [UInt8] = []

    init(_ kind: NoiseKind, _ failure: Failure? = nil) {
        self.kind = kind
        name = "induced \(kind.word)"
        self.failure = failure
    }

    func gather(_ count: Int) throws(NoiseError) -> [UInt8] {
        requests.append(count)
        onRequest()
        var bytes = try KernelNoise().gather(count)
        switch failure {
        case nil: break
        case .gone: throw NoiseError(SystemError("read", name, errno: 5))
        case .stuck: for place in 48..<count { bytes[place] = bytes[place - 48] }
        case .zeros: for place in (count / 3)..<count { bytes[place] = 0 }
        case .biased: for place in stride(from: 0, to: count, by: 3) { bytes[place] = 0 }
        case .repeated where last.count == count: bytes = last
        case .repeated: break
        }
        last = bytes
        return bytes
    }
}

import EntropyCrypto
import EntropyState

extension Target {
    /// An entry with any public key.
    static func example(_ address: String, next: Int64 = 0) throws -> Target {
        Target(
            address: address, endpoint: try Endpoint.parse(address, for: .connecting).get(),
            publicKey: try BoxPublicKey([UInt8](repeating: 9, count: 32)), counter: 0, next: next)
    }
}

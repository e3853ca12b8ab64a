/// BASE.key and BASE.pub, the two files that a key generator writes.
public struct KeyPairFiles {
    public let privatePath: String
    public let publicPath: String
    private let files: NewFiles

    /// Claims both names before any key is made (`NewFiles`).
    public init(base: String, force: Bool) throws(StateError) {
        privatePath = base + ".key"
        publicPath = base + ".pub"
        files = try NewFiles([privatePath, publicPath], force: force)
    }

    /// Writes both files: the private one with mode 0600, the public one with 0644.
    public func write(privateKey: [UInt8], publicKey: [UInt8]) throws(StateError) {
        try files.write([.secret(privateKey), .open(publicKey)])
    }
}

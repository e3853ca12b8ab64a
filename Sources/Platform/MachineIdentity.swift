/// What tells this machine from others, in order not to take over what another one kept.
public enum MachineIdentity {
    /// The installation's number, which a copy of the card shares, and the board's, which it does not.
    private static let files = ["/etc/machine-id", "/sys/firmware/devicetree/base/serial-number"]

    /// The contents of those that are there, in order; empty where none is.
    public static func read() -> [UInt8] {
        var identity: [UInt8] = []
        for path in files {
            // Whoever has neither is told from nobody.
            guard let bytes = FileDescriptor.contents(ofSmall: path) else { continue }
            identity += bytes + [0]
        }
        return identity
    }
}

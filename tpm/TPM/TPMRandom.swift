/// The TPM's own generator, TPM2_GetRandom (TPM 2.0 Library, Part 3, 16.1).
public final class TPMRandom {
    private let device: TPMDevice

    public init(_ device: TPMDevice) { self.device = device }

    /// `count` bytes, in as many commands as the TPM needs.
    public func bytes(_ count: Int) throws(TPMError) -> [UInt8] {
        try device.perform { (context, _) throws(TPMError) in try context.random(count) }
    }
}

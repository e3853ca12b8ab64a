import EntropySource
import TPM

/// The TPM's generator as a source of noise: the one place where a source meets the TPM.
final class TPMNoise: NoiseSource {
    let kind = NoiseKind.tpm
    let name = "TPM2_GetRandom"
    private let random: TPMRandom

    init(_ device: TPMDevice) { random = TPMRandom(device) }

    func gather(_ count: Int) throws(NoiseError) -> [UInt8] {
        do throws(TPMError) { return try random.bytes(count) } catch { throw NoiseError(error) }
    }
}

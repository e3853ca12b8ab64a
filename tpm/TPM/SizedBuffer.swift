import CTSS2

// The TPM2B structures: a size and a fixed array, which Swift sees as a tuple. A size from the TPM is not trusted to fit.

private func prefix<T>(_ buffer: T, _ size: UInt16) -> [UInt8] {
    withUnsafeBytes(of: buffer) { Array($0.prefix(Int(size))) }
}

private func fill<T>(_ buffer: inout T, _ bytes: [UInt8]) {
    withUnsafeMutableBytes(of: &buffer) { $0.copyBytes(from: bytes.prefix($0.count)) }
}

func bytes(of value: TPM2B_PUBLIC_KEY_RSA) -> [UInt8] { prefix(value.buffer, value.size) }
func bytes(of value: TPM2B_ECC_PARAMETER) -> [UInt8] { prefix(value.buffer, value.size) }
func bytes(of value: TPM2B_DIGEST) -> [UInt8] { prefix(value.buffer, value.size) }

/// A digest of at most 64 bytes.
func digest(_ bytes: [UInt8]) -> TPM2B_DIGEST {
    var value = TPM2B_DIGEST()
    fill(&value.buffer, bytes)
    value.size = UInt16(clamping: min(bytes.count, MemoryLayout.size(ofValue: value.buffer)))
    return value
}

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
func bytes(of value: TPM2B_NAME) -> [UInt8] { prefix(value.name, value.size) }
func bytes(of value: TPM2B_DATA) -> [UInt8] { prefix(value.buffer, value.size) }
func bytes(of value: TPM2B_DIGEST) -> [UInt8] { prefix(value.buffer, value.size) }

/// A digest of at most 64 bytes.
func digest(_ bytes: [UInt8]) -> TPM2B_DIGEST {
    var value = TPM2B_DIGEST()
    fill(&value.buffer, bytes)
    value.size = UInt16(clamping: min(bytes.count, MemoryLayout.size(ofValue: value.buffer)))
    return value
}

/// At most 64 bytes of data.
func data(_ bytes: [UInt8]) -> TPM2B_DATA {
    var value = TPM2B_DATA()
    fill(&value.buffer, bytes)
    value.size = UInt16(clamping: min(bytes.count, MemoryLayout.size(ofValue: value.buffer)))
    return value
}

// Arrays of a thousand bytes and more are too long a tuple for Embedded Swift: these are read in place.

func bytes(at pointer: UnsafePointer<TPM2B_ATTEST>) -> [UInt8] {
    bytes(at: UnsafeRawPointer(pointer), size: pointer.pointee.size, of: MemoryLayout<TPM2B_ATTEST>.size)
}

func bytes(at pointer: UnsafePointer<TPM2B_MAX_NV_BUFFER>) -> [UInt8] {
    bytes(at: UnsafeRawPointer(pointer), size: pointer.pointee.size, of: MemoryLayout<TPM2B_MAX_NV_BUFFER>.size)
}

/// What follows the two bytes of the size, as far as the structure goes.
private func bytes(at pointer: UnsafeRawPointer, size: UInt16, of structure: Int) -> [UInt8] {
    let start = MemoryLayout<UInt16>.size
    return Array(UnsafeRawBufferPointer(start: pointer + start, count: min(Int(size), structure - start)))
}

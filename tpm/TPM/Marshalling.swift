import CTSS2

// The structures of TPM 2.0 Library, Part 2, as bytes and back. Bytes are taken only when a structure fills all of them.

private func marshal<T>(
    _ value: T, _ function: StaticString,
    _ write: (UnsafePointer<T>?, UnsafeMutablePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?) -> TSS2_RC
) throws(TPMError) -> [UInt8] {
    // The longest here, a public area or an attestation, has less than half of this.
    var buffer = [UInt8](repeating: 0, count: 4096)
    var count = 0
    let response = withUnsafePointer(to: value) { write($0, &buffer, buffer.count, &count) }
    try ResponseCode.check(response, function)
    return Array(buffer.prefix(count))
}

private func unmarshal<T>(
    _ bytes: [UInt8], _ empty: T, _ name: StaticString,
    _ read: (UnsafePointer<UInt8>?, Int, UnsafeMutablePointer<Int>?, UnsafeMutablePointer<T>?) -> TSS2_RC
) throws(TPMError) -> T {
    var value = empty
    var offset = 0
    let response = read(bytes, bytes.count, &offset, &value)
    guard response == TSS2_RC_SUCCESS, offset == bytes.count else {
        throw TPMError(.badStructure, "not a \(name.description)")
    }
    return value
}

func marshalled(_ value: TPM2B_PUBLIC) throws(TPMError) -> [UInt8] {
    try marshal(value, "Tss2_MU_TPM2B_PUBLIC_Marshal", Tss2_MU_TPM2B_PUBLIC_Marshal)
}

func marshalled(_ value: TPMT_PUBLIC) throws(TPMError) -> [UInt8] {
    try marshal(value, "Tss2_MU_TPMT_PUBLIC_Marshal", Tss2_MU_TPMT_PUBLIC_Marshal)
}

func marshalled(_ value: TPM2B_PRIVATE) throws(TPMError) -> [UInt8] {
    try marshal(value, "Tss2_MU_TPM2B_PRIVATE_Marshal", Tss2_MU_TPM2B_PRIVATE_Marshal)
}

func marshalled(_ value: TPM2B_CREATION_DATA) throws(TPMError) -> [UInt8] {
    try marshal(value, "Tss2_MU_TPM2B_CREATION_DATA_Marshal", Tss2_MU_TPM2B_CREATION_DATA_Marshal)
}

func marshalled(_ value: TPMT_TK_CREATION) throws(TPMError) -> [UInt8] {
    try marshal(value, "Tss2_MU_TPMT_TK_CREATION_Marshal", Tss2_MU_TPMT_TK_CREATION_Marshal)
}

func publicArea(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPM2B_PUBLIC {
    let area = try unmarshal(bytes, TPM2B_PUBLIC(), "TPM2B_PUBLIC", Tss2_MU_TPM2B_PUBLIC_Unmarshal)
    // The library does not compare its size with what it holds.
    guard try marshalled(area) == bytes else { throw TPMError(.badStructure, "not a TPM2B_PUBLIC") }
    return area
}

func privateArea(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPM2B_PRIVATE {
    try unmarshal(bytes, TPM2B_PRIVATE(), "TPM2B_PRIVATE", Tss2_MU_TPM2B_PRIVATE_Unmarshal)
}

func creationTicket(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPMT_TK_CREATION {
    try unmarshal(bytes, TPMT_TK_CREATION(), "TPMT_TK_CREATION", Tss2_MU_TPMT_TK_CREATION_Unmarshal)
}

func attestation(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPMS_ATTEST {
    try unmarshal(bytes, TPMS_ATTEST(), "TPMS_ATTEST", Tss2_MU_TPMS_ATTEST_Unmarshal)
}

func identityObject(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPM2B_ID_OBJECT {
    try unmarshal(bytes, TPM2B_ID_OBJECT(), "TPM2B_ID_OBJECT", Tss2_MU_TPM2B_ID_OBJECT_Unmarshal)
}

func encryptedSecret(unmarshalling bytes: [UInt8]) throws(TPMError) -> TPM2B_ENCRYPTED_SECRET {
    try unmarshal(bytes, TPM2B_ENCRYPTED_SECRET(), "TPM2B_ENCRYPTED_SECRET", Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal)
}

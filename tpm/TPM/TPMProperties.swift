import CTSS2
import Platform

/// What a TPM says of itself (TPM 2.0 Library, Part 2, 6.13).
public struct TPMProperties: Sendable {
    /// The maker's registered letters, such as "IFX" or "STM".
    public let manufacturer: String
    /// The maker's own words, usually the chip's name.
    public let vendor: String
    /// In the four parts that makers print, as in "7.85.4555.0".
    public let firmware: String
    /// How many more objects, sessions and persistent keys the TPM has room for; an estimate of its own.
    public let freeTransientSlots: UInt32
    public let freeSessionSlots: UInt32
    public let freePersistentSlots: UInt32
}

extension TPMProperties {
    /// Infineon divides the second number another way than the others.
    static func firmware(_ high: UInt32, _ low: UInt32, by manufacturer: String) -> String {
        let shift: UInt32 = Text.areEqual(manufacturer, "IFX") ? 8 : 16
        return "\(high >> 16).\(high & 0xffff).\(low >> shift).\(low & (1 << shift - 1))"
    }
}

/// How near a TPM is to refusing every key with dictionary-attack protection (Part 1, 19.8).
public struct LockoutState: Sendable {
    public let isLockedOut: Bool
    /// Failed tries that are not forgotten yet.
    public let failedTries: UInt32
    /// As many lock the TPM.
    public let maximumTries: UInt32
    /// Seconds after which one try is forgotten; 0 where none is counted.
    public let secondsPerTry: UInt32

    /// For messages: the counter, its maximum, and the time to recovery.
    public var description: String {
        var text = "\(failedTries) of \(maximumTries) failed tries"
        guard failedTries > 0 else { return text }
        if isLockedOut { text += ", the next try is free in at most \(secondsPerTry) s" }
        text += ", all are forgotten in at most \(UInt64(failedTries) * UInt64(secondsPerTry)) s"
        return isLockedOut ? text + " (`tpm2_dictionarylockout --clear-lockout` ends it at once)" : text
    }
}

extension TPMContext {
    private static let fixed: UInt32 = 0x100  // PT_FIXED
    private static let variable: UInt32 = 0x200  // PT_VAR

    func properties() throws(TPMError) -> TPMProperties {
        let fixed = try properties(from: TPMContext.fixed, count: 16)
        func letters(_ places: ClosedRange<Int>) -> String {
            var text: [UInt8] = []
            for place in places {
                for shift in stride(from: 24, through: 0, by: -8) {
                    text.append(UInt8(truncatingIfNeeded: fixed[place] >> UInt32(shift)))
                }
            }
            // Letters, padded with zeros or spaces. Nothing else of it is passed on.
            let printable = text.filter { (0x20...0x7e).contains($0) }
            let end = printable.lastIndex { $0 != 0x20 } ?? -1
            return String(decoding: printable[..<(end + 1)], as: UTF8.self)
        }
        let variable = try properties(from: TPMContext.variable, count: 16)
        let manufacturer = letters(5...5)
        return TPMProperties(
            manufacturer: manufacturer, vendor: letters(6...9),
            firmware: TPMProperties.firmware(fixed[11], fixed[12], by: manufacturer),
            freeTransientSlots: variable[7], freeSessionSlots: variable[4], freePersistentSlots: variable[9])
    }

    /// PERMANENT (bit 9: in lockout), LOCKOUT_COUNTER, MAX_AUTH_FAIL, LOCKOUT_INTERVAL.
    func lockoutState() throws(TPMError) -> LockoutState {
        let values = try properties(from: TPMContext.variable, count: 18)
        return LockoutState(
            isLockedOut: values[0] & 0x200 != 0, failedTries: values[14], maximumTries: values[15],
            secondsPerTry: values[16])
    }

    /// Bytes of one TPM2_NV_Read at the most.
    func nvBufferSize() throws(TPMError) -> UInt16 {
        let value = try properties(from: TPMContext.fixed, count: 45)[44]
        return UInt16(clamping: value == 0 ? 512 : min(value, 1024))
    }

    /// The values from `first` on; 0 for what the TPM does not report.
    private func properties(from first: UInt32, count: Int) throws(TPMError) -> [UInt32] {
        var values = [UInt32](repeating: 0, count: count)
        var next = first
        let end = first + UInt32(count)
        while next < end {
            var more: TPMI_YES_NO = 0
            var answer: UnsafeMutablePointer<TPMS_CAPABILITY_DATA>?
            try ResponseCode.check(
                Esys_GetCapability(
                    esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_CAP_TPM_PROPERTIES, next, end - next, &more,
                    &answer), "Esys_GetCapability")
            defer { Esys_Free(answer) }
            guard let answer else { throw TPMError(.refused, "Esys_GetCapability gave nothing") }
            let list = answer.pointee.data.tpmProperties
            let found = withUnsafeBytes(of: list.tpmProperty) {
                Array($0.bindMemory(to: TPMS_TAGGED_PROPERTY.self).prefix(Int(clamping: list.count)))
            }
            for each in found where (first..<end).contains(each.property) {
                values[Int(each.property - first)] = each.value
            }
            // A TPM that gave nothing new has nothing more to say.
            guard more != 0, let last = found.last?.property, last >= next, last < end else { break }
            next = last + 1
        }
        return values
    }
}

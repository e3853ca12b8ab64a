import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// What a TPM says of itself and of its primary, against what tpm2-tools read.
@Suite(.enabled(if: haveTools("swtpm", "tpm2_getcap"), "swtpm or tpm2-tools is not installed"))
struct TPMPropertiesTests {
    let tpm: SoftwareTPM

    init() throws { tpm = try SoftwareTPM() }

    /// The number after "NAME: 0x" or after "raw: 0x" below NAME.
    func number(_ name: String, in text: String) -> UInt32? {
        guard let place = text.range(of: "\(name):"), let start = text[place.upperBound...].range(of: "0x") else {
            return nil
        }
        return UInt32(text[start.upperBound...].prefix { $0.isHexDigit }, radix: 16)
    }

    @Test func areWhatTpm2ToolsRead() throws {
        let ours = try TPMDevice(tpm.tcti).properties()
        let lockout = try TPMDevice(tpm.tcti).lockout()
        let fixed = try tpm.tool("tpm2_getcap", "properties-fixed").text
        let variable = try tpm.tool("tpm2_getcap", "properties-variable").text
        let manufacturer = try #require(number("TPM2_PT_MANUFACTURER", in: fixed))
        let letters = withUnsafeBytes(of: manufacturer.bigEndian) {
            String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        }
        #expect(ours.manufacturer == letters)
        let (high, low) = (
            try #require(number("TPM2_PT_FIRMWARE_VERSION_1", in: fixed)),
            try #require(number("TPM2_PT_FIRMWARE_VERSION_2", in: fixed))
        )
        #expect(ours.firmware == "\(high >> 16).\(high & 0xffff).\(low >> 16).\(low & 0xffff)")
        #expect(ours.freeTransientSlots == number("TPM2_PT_HR_TRANSIENT_AVAIL", in: variable))
        #expect(ours.freeSessionSlots == number("TPM2_PT_HR_LOADED_AVAIL", in: variable))
        #expect(ours.freePersistentSlots == number("TPM2_PT_HR_PERSISTENT_AVAIL", in: variable))
        #expect(lockout.failedTries == number("TPM2_PT_LOCKOUT_COUNTER", in: variable))
        #expect(lockout.maximumTries == number("TPM2_PT_MAX_AUTH_FAIL", in: variable))
        #expect(lockout.secondsPerTry == number("TPM2_PT_LOCKOUT_INTERVAL", in: variable))
        #expect(!lockout.isLockedOut)
    }

    /// An SLB 9670 reports 0x0007003d and 0x000ae100, and is known as 7.61.2785.0; others have four halves.
    @Test func firmwareIsWrittenAsMakersWriteIt() {
        #expect(TPMProperties.firmware(0x0007_003d, 0x000a_e100, by: "IFX") == "7.61.2785.0")
        #expect(TPMProperties.firmware(0x2019_1023, 0x0016_3636, by: "IBM") == "8217.4131.22.13878")
    }

    /// tpm2-tools' primary of the same template has the same Name, and so have keys.
    @Test func namesAreWhatTpm2ToolsRead() throws {
        let directory = try TemporaryDirectory()
        let made = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256)
        try tpm.createPrimary("p.ctx", in: directory)
        try tpm.tools(["tpm2_readpublic", "-c", "p.ctx", "-n", "p.name", "-Q"], in: directory)
        #expect(try directory.read("p.name") == made.primaryName)
        try directory.write("u", made.file.publicPart)
        try directory.write("r", made.file.privatePart)
        try tpm.tools(
            ["tpm2_load", "-C", "p.ctx", "-u", "u", "-r", "r", "-c", "k.ctx", "-n", "k.name", "-Q"], in: directory)
        #expect(try directory.read("k.name") == TPMPublicArea(unmarshalling: made.file.publicPart).name)
    }

    @Test func anotherPrimaryIsRefusedBeforeAnythingIsSaltedToIt() throws {
        let recorder = try BusRecorder(tpm)
        let made = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256)
        do {
            let device = TPMDevice(recorder.tcti)
            var name = made.primaryName
            name[33] ^= 1
            device.expect(.file(made.file), primaryName: name)
            let error = #expect(throws: TPMError.self) {
                try TPMSigner(.file(made.file), authValue: nil, in: device)
            }
            #expect(error?.code == .foreignKey)
            #expect(throws: TPMError.self) { try TPMRandom(device).bytes(32) }
        }
        // No TPM2_StartAuthSession, no TPM2_Load, no TPM2_GetRandom.
        #expect(try recorder.commandCodes().allSatisfy { ![0x176, 0x157, 0x17b].contains($0) })
        #expect(try tpm.leftovers() == "")
        do {
            let device = TPMDevice(tpm.tcti)
            device.expect(.file(made.file), primaryName: made.primaryName)
            _ = try TPMSigner(.file(made.file), authValue: nil, in: device)
        }
    }
}

import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// What who taps the bus between processor and TPM gets to see.
@Suite(.enabled(if: haveTools("swtpm", "socat", "tpm2_getrandom"), "swtpm, socat or tpm2-tools is not installed"))
struct BusTests {
    let tpm: SoftwareTPM
    let recorder: BusRecorder

    init() throws {
        tpm = try SoftwareTPM()
        recorder = try BusRecorder(tpm)
    }

    @Test func theRecorderSeesWhatIsNotEncrypted() throws {
        // Without a session the random bytes are there in clear: otherwise the next test would prove nothing.
        let plain = try run(["tpm2_getrandom", "--hex", "32"], environment: ["TPM2TOOLS_TCTI": recorder.tcti])
        #expect(plain.status == 0, "\(plain.errors)")
        #expect(try recorder.everything().range(of: Data(hex(plain.text))) != nil)
    }

    @Test func randomBytesDoNotCrossIt() throws {
        let bytes: [UInt8]
        do { bytes = try TPMRandom(TPMDevice(recorder.tcti)).bytes(256) }
        let everything = try recorder.everything()
        for place in stride(from: 0, through: 240, by: 4) {
            #expect(everything.range(of: Data(bytes[place..<(place + 16)])) == nil)
        }
        #expect(try recorder.commandCodes().filter { $0 == 0x17b }.count >= 4)  // TPM2_GetRandom
        #expect(try tpm.leftovers() == "")
    }

    @Test func aPacketTakesOneCommand() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.rsa(bits: 2048))
        do {
            let signer = try TPMSigner(file, in: TPMDevice(recorder.tcti))
            let before = try recorder.commandCodes()
            // TPM2_CreatePrimary, TPM2_StartAuthSession and TPM2_Load, once each.
            for code in [0x131, 0x176, 0x157] as [UInt32] { #expect(before.filter { $0 == code }.count == 1) }
            for number in 0..<20 { _ = try signer.sign([UInt8(number)]) }
            let after = try recorder.commandCodes().dropFirst(before.count)
            #expect(after.allSatisfy { $0 == 0x15d } && after.count == 20)  // TPM2_Sign
        }
        #expect(try tpm.leftovers() == "")
    }
}

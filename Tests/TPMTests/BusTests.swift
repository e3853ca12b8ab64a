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

    @Test func aDisturbedAnswerIsNotedAndMadeGoodFor() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256)
        let directory = try TemporaryDirectory()
        let script = packageRoot.appendingPathComponent("Tests/Peers/noisy_bus.py").path
        let bus = try Running(["/usr/bin/python3", script, directory.file("n"), tpm.socket])
        #expect(
            eventually {
                ["n", "n.ctrl"].allSatisfy { FileManager.default.fileExists(atPath: directory.file($0)) }
            }, "\(bus.errors)")
        do {
            let signer = try TPMSigner(file, in: TPMDevice("swtpm:path=\(directory.file("n"))"))
            // The second answer's HMAC is wrong: program and TPM no longer agree on the session, and start another one.
            for number in 0..<5 {
                let message = [UInt8(number)]
                #expect(signer.publicKey.verify(try signer.sign(message), of: message))
            }
        }
        #expect(try tpm.leftovers() == "")
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0"))
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

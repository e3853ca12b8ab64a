import EntropyCrypto
import Foundation
import Platform
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

    @Test func theRecorderSeesAPasswordThatIsNotEncrypted() throws {
        let password = "0123456789abcdef0123456789abcdef"
        let made = try run(
            ["tpm2_createprimary", "-c", TemporaryDirectory().file("p"), "-p", password, "-Q"],
            environment: ["TPM2TOOLS_TCTI": recorder.tcti])
        #expect(try recorder.everything().range(of: Data(password.utf8)) != nil, "\(made.errors)")
    }

    @Test func thePasswordDoesNotCrossIt() throws {
        var bytes = try SystemRandom.bytes(32)
        let password = bytes
        let authValue = try AuthValue(moving: &bytes)
        do {
            let device = TPMDevice(recorder.tcti)
            let made = try device.makeSigningKey(.ecdsaP256, authValue: authValue)
            let signer = try TPMSigner(.file(made.file), authValue: authValue, in: device)
            for number in 0..<10 { _ = try signer.sign([UInt8(number)]) }
        }
        let everything = try recorder.everything()
        #expect(try recorder.commandCodes().filter { $0 == 0x15d }.count == 10)  // TPM2_Sign
        for place in 0...24 { #expect(everything.range(of: Data(password[place..<(place + 8)])) == nil) }
        #expect(try tpm.leftovers() == "")
    }

    /// A signer whose commands go through a bus with a fault.
    func signing(_ disturbance: String, _ number: Int, _ body: (TPMSigner) throws -> Void) throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256).file
        let bus = try DisturbedBus(tpm, disturbance, number)
        do {
            try body(
                try TPMSigner(.file(file), authValue: nil, in: TPMDevice(bus.tcti)))
        }
        #expect(bus.strikes > 0, "the bus was quiet")
        #expect(try tpm.leftovers() == "")
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0"))
    }

    /// The HMAC of an answer, or of a command, is wrong: program and TPM no longer agree on the session, and start another
    /// one. To the TPM such a command looks like one with a wrong password.
    @Test(arguments: ["answer", "command"]) func aDisturbanceIsNotedAndMadeGoodFor(_ what: String) throws {
        try signing(what, 2) { signer in
            for number in 0..<UInt8(5) {
                let signature = try signer.sign([number])
                #expect(signer.publicKey.verify(signature, of: [number]))
            }
        }
    }

    /// What one after the other is signed has each its own signature, also where the TPM has to be opened anew meanwhile, and
    /// each is there as soon as the command after it is under way.
    @Test(arguments: ["answer", "command"], [1, 2, 5]) func aSeriesSurvivesADisturbance(_ what: String, _ number: Int)
        throws
    {
        try signing(what, number) { signer in
            // A first command that is refused is one with a wrong password.
            if what == "command", number == 1 {
                _ = try? signer.sign([0])
                return
            }
            var (asked, taken) = (0, 0)
            signer.sign {
                guard asked < 5 else { return nil }
                asked += 1
                return [UInt8(asked)]
            } take: { message, signed in
                taken += 1
                #expect(message == [UInt8(taken)])
                #expect(taken == asked - 1 || taken == 5, "\(taken) of \(asked)")
                #expect((try? signed.get()).map { signer.publicKey.verify($0, of: [UInt8(taken)]) } == true)
            }
            #expect(taken == 5)
        }
    }

    /// Again and again: each is made good for, and one line says so.
    @Test func disturbancesAreSaidAtABoundedRate() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256).file
        let bus = try DisturbedBus(tpm, "flips", 2)
        var lines: [String] = []
        do {
            let device = TPMDevice(bus.tcti)
            device.report = { lines.append($0) }
            let signer = try TPMSigner(.file(file), authValue: nil, in: device)
            for number in 0..<UInt8(5) {
                #expect(signer.publicKey.verify(try signer.sign([number]), of: [number]))
            }
        }
        #expect(bus.strikes == 5)
        #expect(lines.count == 1)
        #expect(try tpm.leftovers() == "")
    }

    /// ESAPI itself sends a command five times without a pause; then it is for us to wait.
    @Test func aBusyTPMIsWaitedFor() throws {
        try signing("busy", 7) { signer in
            for number in 0..<UInt8(3) {
                let signature = try signer.sign([number])
                #expect(signer.publicKey.verify(signature, of: [number]))
            }
        }
        try signing("busy", 10) { signer in
            _ = try signer.sign([0])
            let error = #expect(throws: SignerError.self) { try signer.sign([1]) }
            #expect(error?.code == .unavailable)
            let signature = try signer.sign([2])
            #expect(signer.publicKey.verify(signature, of: [2]))
        }
        // In a series the others have theirs.
        try signing("busy", 10) { signer in
            var number: UInt8 = 0
            var signed: [Bool] = []
            signer.sign {
                defer { number += 1 }
                return number < 4 ? [number] : nil
            } take: { message, result in
                #expect(message == [UInt8(signed.count)])
                signed.append((try? result.get()).map { signer.publicKey.verify($0, of: message) } ?? false)
            }
            #expect(signed == [true, false, true, true])
        }
    }

    @Test func aPacketTakesOneCommand() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.rsa(bits: 2048)).file
        do {
            let signer = try TPMSigner(.file(file), authValue: nil, in: TPMDevice(recorder.tcti))
            let before = try recorder.commandCodes()
            // TPM2_CreatePrimary, TPM2_StartAuthSession and TPM2_Load, once each.
            for code in [0x131, 0x176, 0x157] as [UInt32] { #expect(before.filter { $0 == code }.count == 1) }
            for number in 0..<10 { _ = try signer.sign([UInt8(number)]) }
            var number: UInt8 = 0
            signer.sign {
                number += 1
                return number <= 10 ? [number] : nil
            } take: { _, signed in
                #expect((try? signed.get()) != nil)
            }
            let after = try recorder.commandCodes().dropFirst(before.count)
            #expect(after.allSatisfy { $0 == 0x15d } && after.count == 20)  // TPM2_Sign
        }
        #expect(try tpm.leftovers() == "")
    }
}

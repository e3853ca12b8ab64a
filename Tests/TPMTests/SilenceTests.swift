import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// A TPM that stops answering: every wait for it ends.
@Suite(.enabled(if: haveTools("swtpm"), "swtpm is not installed"))
struct SilenceTests {
    let tpm: SoftwareTPM

    init() throws { tpm = try SoftwareTPM() }

    /// Codes of commands (TPM 2.0 Library, Part 2, 6.5.2).
    static let (createPrimary, getCapability, sign) = (0x131, 0x17a, 0x15d)

    func error(_ device: TPMDevice, _ body: (TPMDevice) throws -> Void) -> TPMError? {
        #expect(throws: TPMError.self) { try body(device) }
    }

    /// Two seconds are a deadline that ends, and that a TPM that answers need not keep here: each of these is silent from its
    /// first command on.
    @Test func aCommandHasADeadline() throws {
        let bus = try DisturbedBus(tpm, "silent", SilenceTests.getCapability)
        let device = TPMDevice(bus.tcti, deadlines: TPMDeadlines(command: 2_000, creation: 600_000))
        let first = error(device) { _ = try $0.properties() }
        #expect(first?.code == .silent && first?.exitCode == .unavailable)
        // It has a rest: nobody waits for it again and again, and nothing is sent to it.
        let strikes = bus.strikes
        #expect(error(device) { _ = try $0.primaryName() }?.code == .silent)
        #expect(bus.strikes == strikes)
    }

    @Test func makingAKeyHasALongerOne() throws {
        let bus = try DisturbedBus(tpm, "silent", SilenceTests.createPrimary)
        let device = TPMDevice(bus.tcti, deadlines: TPMDeadlines(command: 300_000, creation: 2_000))
        let found = error(device) { _ = try $0.primaryName() }
        #expect(found?.code == .silent)
        #expect(found?.message.names("2") == true, "\(found?.message ?? "")")
    }

    @Test func openingHasOneToo() throws {
        let bus = try DisturbedBus(tpm, "silent", 0)
        let device = TPMDevice(bus.tcti, deadlines: TPMDeadlines(command: 2_000, creation: 600_000))
        #expect(error(device) { _ = try $0.properties() }?.code == .silent)
    }

    /// Byte by byte: no single wait is long, all together are. A response has ten bytes at the least.
    @Test func aTPMThatDribblesIsSilentToo() throws {
        let bus = try DisturbedBus(tpm, "dribble", 60_000)
        let device = TPMDevice(bus.tcti, deadlines: TPMDeadlines(command: 2_000, creation: 600_000))
        #expect(error(device) { _ = try $0.properties() }?.code == .silent)
    }

    /// Threads that wait for a TPM that hangs are bounded; once it lets go there is room again.
    @Test func aTPMThatIsBackIsUsed() throws {
        do {
            let bus = try DisturbedBus(tpm, "silent", 0)
            for _ in 0..<9 {
                let device = TPMDevice(bus.tcti, deadlines: TPMDeadlines(command: 50, creation: 50))
                #expect(error(device) { _ = try $0.properties() }?.code == .silent)
            }
        }
        #expect(
            eventually(seconds: 120) { (try? TPMDevice(tpm.tcti).properties())?.manufacturer == "IBM" })
    }

    @Test func repeatsAreCountedAndSaidAtABoundedRate() {
        var count = RepeatCount()
        #expect(count.count("x", at: 1_000) != nil)
        for number in 0..<1_000 { #expect(count.count("x", at: 2_000 + Int64(number)) == nil) }
        let line = count.count("x", at: 3_601_000)
        #expect(line?.names("1001") == true, "\(line ?? "")")
        #expect(count.count("x", at: 3_602_000) == nil)
    }
}

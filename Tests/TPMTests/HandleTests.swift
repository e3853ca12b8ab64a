import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// Keys that are kept in the TPM itself, under a persistent handle.
@Suite(.enabled(if: haveTools("swtpm", "tpm2_getcap"), "swtpm or tpm2-tools is not installed"))
struct HandleTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory
    let message = Array("a message".utf8)
    static let handle: UInt32 = 0x8100_0010

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
    }

    func sh(_ command: String...) throws { try tpm.tools(command, in: directory) }

    func signer(_ handle: UInt32 = HandleTests.handle) throws -> TPMSigner {
        try TPMSigner(.handle(handle), authValue: nil, in: TPMDevice(tpm.tcti))
    }

    @Test func aPersistentKeySigns() throws {
        let device = TPMDevice(tpm.tcti)
        let file = try device.makeSigningKey(.rsa(bits: 2048)).file
        try device.persist(file, at: HandleTests.handle)
        device.close()
        #expect(try tpm.tool("tpm2_getcap", "handles-persistent").text == "- 0x81000010\n")
        do {
            let signer = try signer()
            #expect(signer.publicKey.pkix == (try TPMPublicArea(unmarshalling: file.publicPart).publicKey.pkix))
            for number in 0..<UInt8(3) { #expect(signer.publicKey.verify(try signer.sign([number]), of: [number])) }
        }
        #expect(try tpm.leftovers() == "")
        // It stays after a power cut, and where it is.
        try tpm.restart()
        do {
            let signer = try signer()
            #expect(signer.publicKey.verify(try signer.sign(message), of: message))
        }
        // Once more is no harm: an answer may have got lost. Another key has no place there.
        do { try TPMDevice(tpm.tcti).persist(file, at: HandleTests.handle) }
        let other = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256).file
        let taken = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).persist(other, at: HandleTests.handle) }
        #expect(taken?.code == .handleTaken)
        #expect(try tpm.leftovers() == "")
    }

    @Test func keysOfTpm2ToolsSignHere() throws {
        try tpm.createPrimary("p.ctx", in: directory)
        try sh(
            "tpm2_create", "-C", "p.ctx", "-G", "ecc256:ecdsa-sha256:null", "-u", "u", "-r", "r", "-Q", "-a",
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign")
        try sh("tpm2_load", "-C", "p.ctx", "-u", "u", "-r", "r", "-c", "k.ctx", "-Q")
        try sh("tpm2_evictcontrol", "-C", "o", "-c", "k.ctx", "0x81000010", "-Q")
        let signer = try signer()
        #expect(signer.publicKey.verify(try signer.sign(message), of: message))
    }

    @Test func anotherKeyAtTheHandleIsNoticed() throws {
        let device = TPMDevice(tpm.tcti)
        try device.persist(try device.makeSigningKey(.ecdsaP256).file, at: HandleTests.handle)
        let signer = try TPMSigner(.handle(HandleTests.handle), authValue: nil, in: device)
        device.close()
        try sh("tpm2_evictcontrol", "-C", "o", "-c", "0x81000010", "-Q")
        // Gone, and then another one.
        #expect(throws: SignerError.self) { try signer.sign(message) }
        device.close()
        let other = TPMDevice(tpm.tcti)
        try other.persist(try other.makeSigningKey(.ecdsaP256).file, at: HandleTests.handle)
        other.close()
        let error = #expect(throws: SignerError.self) { try signer.sign(message) }
        #expect(error?.message.contains("0x81000010") == true, "\(error?.message ?? "")")
        device.close()
        #expect(try tpm.leftovers() == "")
    }

    @Test func whatCannotSignIsRefusedByName() throws {
        let missing = #expect(throws: TPMError.self) { try signer() }
        #expect(missing?.code == .noSuchHandle)
        #expect(missing?.exitCode == .missingInput)
        // A primary: restricted, and for decryption.
        try tpm.createPrimary("p.ctx", in: directory)
        try sh("tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000011", "-Q")
        let unfit = #expect(throws: TPMError.self) { try signer(0x8100_0011) }
        #expect(unfit?.code == .unusableKey)
        #expect(try tpm.leftovers() == "")
    }

    @Test func handlesAreHexadecimal() {
        #expect(TPMHandle.parse("0x8100001A") == 0x8100_001a)
        #expect(TPMHandle.parse("0x81000010") == 0x8100_0010)
        #expect(TPMHandle.parse("0x81ffffff") == 0x81ff_ffff)
        for text in [
            "", "81000010", "0x8100001", "0x810000100", "0x80000010", "0x82000000", "0x+1000010", "0x8100001g",
        ] {
            #expect(TPMHandle.parse(text) == nil, "\(text)")
        }
        #expect(TPMHandle.isOwners(0x817f_ffff) && !TPMHandle.isOwners(0x8180_0000))
    }
}

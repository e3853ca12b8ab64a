import DER
import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// What other programs and the TPM do that this one has to live with: the day one of these fails, a rule can go.
@Suite(.enabled(if: haveTools("swtpm", "openssl", "tpm2_create"), "swtpm, openssl or tpm2-tools is not installed"))
struct PeerFactsTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
    }

    /// A key file with these optional elements, in DER, in the place of emptyAuth.
    func write(_ options: [UInt8], _ file: TPMKeyFile) throws {
        var head = DERWriter()
        head.write(DERTag.objectIdentifier, [0x67, 0x81, 0x05, 0x0a, 0x01, 0x03] as [UInt8])
        var tail = DERWriter()
        tail.writeInteger(0x4000_0001)
        tail.write(DERTag.octetString, file.publicPart)
        tail.write(DERTag.octetString, file.privatePart)
        var key = DERWriter()
        key.write(DERTag.sequence, head.bytes + options + tail.bytes)
        try directory.write("k.key", try PEM(label: "TSS2 PRIVATE KEY", der: key.bytes).encode())
    }

    func tpm2OpensslSigns() throws -> Bool {
        try directory.write("m", "a message")
        return try run(
            [
                "openssl", "dgst", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2",
                "-sha256", "-sign", "k.key", "-out", "s", "m",
            ], in: directory.path, environment: tpm.environment
        ).status == 0
    }

    @Test func tpm2OpensslReadsEmptyAuthAndNothingElse() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256).file
        try write([0xa0, 3, 1, 1, 0xff], file)
        #expect(try tpm2OpensslSigns())
        // Absent it means TRUE to them, which is why it is always written.
        try write([], file)
        #expect(try tpm2OpensslSigns())
        // A description, and rsaParent; here it is FALSE, as it is for this key.
        for option in [[0xa4, 3, 0x0c, 1, 0x61], [0xa5, 3, 1, 1, 0]] as [[UInt8]] {
            try write([0xa0, 3, 1, 1, 0xff] + option, file)
            #expect(try !tpm2OpensslSigns())
            _ = try TPMSigner(
                .file(TPMKeyFile(decoding: directory.read("k.key"))), authValue: nil, in: TPMDevice(tpm.tcti))
        }
    }

    @Test func tpm2EncodeobjectInvertsEmptyAuth() throws {
        for (options, emptyAuth) in [([], false), (["-p"], true)] {
            try tpm.createPrimary("p.ctx", in: directory)
            try tpm.tools(
                [
                    "tpm2_create", "-C", "p.ctx", "-G", "ecc256:ecdsa-sha256:null", "-u", "u", "-r", "r", "-Q", "-a",
                    "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign",
                ] + (options.isEmpty ? [] : ["-p", "secret"]), in: directory)
            try tpm.tools(
                ["tpm2_encodeobject", "-C", "p.ctx", "-u", "u", "-r", "r", "-o", "k.key"] + options, in: directory)
            #expect(try TPMKeyFile(decoding: directory.read("k.key")).emptyAuth == emptyAuth)
        }
    }

    @Test func theFourthObjectFindsNoSlot() throws {
        for number in 0..<3 {
            let made = try tpm.tool("tpm2_createprimary", "-c", directory.file("p\(number)"), "-G", "ecc", "-Q")
            #expect(made.status == 0, "\(made.errors)")
        }
        let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256) }
        #expect(error?.response == 0x902)
        _ = try tpm.tool("tpm2_flushcontext", "-t")
        _ = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256)
        #expect(try tpm.leftovers() == "")
    }
}

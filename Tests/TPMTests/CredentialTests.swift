import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import TPM

/// Credentials that bind an attestation key to an endorsement key: ours are opened by tpm2_activatecredential, and those of
/// tpm2_makecredential by us.
@Suite(
    .enabled(
        if: haveTools("swtpm", "swtpm_setup", "tpm2_makecredential"),
        "swtpm, swtpm_setup or tpm2-tools is not installed"))
struct CredentialTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory

    init() throws {
        tpm = try SoftwareTPM(certified: ())
        directory = try TemporaryDirectory()
    }

    func sh(_ command: String...) throws { try tpm.tools(command, in: directory) }

    @Test func theIdentityIsWhatTpm2ToolsRead() throws {
        let identity = try TPMDevice(tpm.tcti).identity()
        #expect(identity.certificate == (try tpm.endorsementCertificate()))
        // The attestation key by tpm2-tools, from the same template: the same key, with the same Name.
        try sh(
            "tpm2_createprimary", "-C", "e", "-c", "ak.ctx", "-G", "ecc256:ecdsa-sha256:null", "-a",
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign", "-Q")
        try sh("tpm2_readpublic", "-c", "ak.ctx", "-n", "ak.name", "-o", "ak.pub", "-f", "tss", "-Q")
        #expect(identity.attestationKey == (try directory.read("ak.pub")))
        let area = try UnjudgedPublicArea(unmarshalling: identity.attestationKey)
        #expect(try area.name() == directory.read("ak.name"))
        #expect(try area.attestationKey().attributes.bits == 0x0005_0472)
        // And the certificate is about the endorsement key of this TPM.
        try sh("tpm2_createek", "-c", "ek.ctx", "-G", "rsa", "-u", "ek.pem", "-f", "pem", "-Q")
        let inside = try Certificate(startOf: identity.certificate).publicKey()
        #expect(try PublicKey(directory.read("ek.pem")).pkix == inside.pkix)
        #expect(try tpm.leftovers() == "")
    }

    @Test func tpm2ToolsOpenOurs() throws {
        let identity = try TPMDevice(tpm.tcti).identity()
        let key = try Certificate(startOf: identity.certificate).publicKey()
        let name = try UnjudgedPublicArea(unmarshalling: identity.attestationKey).name()
        let secret = try SystemRandom.bytes(32)
        let credential = try Credential.make(secret, for: key, keyNamed: name, seed: SystemRandom.bytes(32))
        // tpm2-tools' own file: a magic number, a version, and the two structures.
        try directory.write(
            "c", [0xba, 0xdc, 0xc0, 0xde, 0, 0, 0, 1] + credential.identityObject + credential.encryptedSeed)
        try sh("tpm2_createek", "-c", "ek.ctx", "-G", "rsa", "-Q")
        try sh(
            "tpm2_createprimary", "-C", "e", "-c", "ak.ctx", "-G", "ecc256:ecdsa-sha256:null", "-a",
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign", "-Q")
        let script = """
            tpm2_startauthsession --policy-session -S s.ctx && tpm2_policysecret -S s.ctx -c e -Q &&
            tpm2_activatecredential -c ak.ctx -C ek.ctx -i c -o opened -P session:s.ctx -Q; r=$?
            tpm2_flushcontext s.ctx; tpm2_flushcontext -t; exit $r
            """
        let opened = try run(["sh", "-c", script], in: directory.path, environment: tpm.environment)
        #expect(opened.status == 0, "\(opened.errors)")
        #expect(try directory.read("opened") == secret)
        // Ours is opened by us, and by this TPM alone.
        #expect(try TPMDevice(tpm.tcti).activate(credential) == secret)
        #expect(try tpm.leftovers() == "")
        let other = try SoftwareTPM()
        let error = #expect(throws: TPMError.self) { try TPMDevice(other.tcti).activate(credential) }
        #expect(error?.code == .foreignKey, "\(error?.message ?? "")")
        #expect(try other.leftovers() == "")
    }

    @Test func weOpenThoseOfTpm2Tools() throws {
        let identity = try TPMDevice(tpm.tcti).identity()
        let name = try UnjudgedPublicArea(unmarshalling: identity.attestationKey).name()
        let secret = try SystemRandom.bytes(32)
        try directory.write("secret", secret)
        try directory.write("ek.pem", try Certificate(startOf: identity.certificate).publicKey().file(pem: true))
        let made = try run(
            [
                "tpm2_makecredential", "-T", "none", "-G", "rsa", "-u", "ek.pem", "-s", "secret", "-n",
                hexadecimal(name), "-o", "c",
            ], in: directory.path)
        #expect(made.status == 0, "\(made.errors)")
        let file = Array(try directory.read("c").dropFirst(8))
        let size = Int(file[0]) << 8 | Int(file[1])
        let credential = Credential(
            keyName: name, identityObject: Array(file.prefix(size + 2)), encryptedSeed: Array(file.dropFirst(size + 2)))
        #expect(try TPMDevice(tpm.tcti).activate(credential) == secret)
        #expect(try tpm.leftovers() == "")
    }

    @Test func aChallengeThatIsAlteredIsRefused() throws {
        let identity = try TPMDevice(tpm.tcti).identity()
        let key = try Certificate(startOf: identity.certificate).publicKey()
        let name = try UnjudgedPublicArea(unmarshalling: identity.attestationKey).name()
        let good = try Credential.make([1, 2, 3], for: key, keyNamed: name, seed: SystemRandom.bytes(32))
        for place in [2, 4, 40, good.identityObject.count - 1] {
            var bytes = good.identityObject
            bytes[place] ^= 1
            let bad = Credential(keyName: name, identityObject: bytes, encryptedSeed: good.encryptedSeed)
            let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).activate(bad) }
            #expect(error?.code == .foreignKey || error?.code == .badStructure, "\(place) \(error?.message ?? "")")
        }
        // For another key of the same TPM, by its own word, and in truth.
        var other = name
        other[33] ^= 1
        let bad = try Credential.make([1, 2, 3], for: key, keyNamed: other, seed: SystemRandom.bytes(32))
        let lie = Credential(keyName: name, identityObject: bad.identityObject, encryptedSeed: bad.encryptedSeed)
        for each in [bad, lie] {
            let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).activate(each) }
            #expect(error?.code == .foreignKey)
        }
        for bytes in [[], [0], [0, 1], [0xff, 0xff] + good.identityObject] as [[UInt8]] {
            let damaged = Credential(keyName: name, identityObject: bytes, encryptedSeed: good.encryptedSeed)
            #expect(throws: TPMError.self) { try damaged.judge() }
            let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).activate(damaged) }
            #expect(error?.code == .badStructure)
        }
        #expect(try tpm.leftovers() == "")
    }

    /// A TPM whose endorsement seed was changed no longer has the key that its certificate is about.
    @Test func aCertificateOfAnotherKeyIsNamed() throws {
        #expect(try tpm.tool("tpm2_changeeps").status == 0)
        let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).identity() }
        #expect(error?.code == .unusableKey)
        #expect(try tpm.leftovers() == "")
    }

    /// An index that its owner made, with a password that counts: it is not tried.
    @Test func aCertificateThatIsNotForEveryoneIsNotTried() throws {
        let plain = try SoftwareTPM()
        for (attributes, code) in [
            ("authread|authwrite|ownerwrite", TPMError.Code.unusableKey), ("ownerread|ownerwrite|no_da", .unusableKey),
        ] {
            try plain.tools(
                ["tpm2_nvdefine", "0x1c00002", "-C", "o", "-s", "64", "-a", attributes, "-p", "secret", "-Q"],
                in: directory)
            try directory.write("x", [UInt8](repeating: 7, count: 64))
            try plain.tools(["tpm2_nvwrite", "0x1c00002", "-C", "o", "-i", "x", "-Q"], in: directory)
            let error = #expect(throws: TPMError.self) { try TPMDevice(plain.tcti).identity() }
            #expect(error?.code == code, "\(error?.message ?? "")")
            try plain.tools(["tpm2_nvundefine", "0x1c00002", "-C", "o", "-Q"], in: directory)
        }
        #expect(try plain.tool("tpm2_getcap", "properties-variable").text.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0\n"))
    }

    @Test func aTPMWithoutACertificateIsNamed() throws {
        let plain = try SoftwareTPM()
        let error = #expect(throws: TPMError.self) { try TPMDevice(plain.tcti).identity() }
        #expect(error?.code == .noSuchHandle)
        #expect(try plain.leftovers() == "")
    }
}

import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import TPM

/// Passwords of keys: those that are right, wrong, missing, and those that lock the TPM.
@Suite(.enabled(if: haveTools("swtpm", "tpm2_getcap", "openssl"), "swtpm, openssl or tpm2-tools is not installed"))
struct AuthorizationTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory
    let message = Array("a message".utf8)

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
        try directory.write("m", message)
    }

    func auth(_ text: String) throws -> AuthValue {
        var bytes = Array(text.utf8)
        return try AuthValue(moving: &bytes)
    }

    func lockoutCounter() throws -> String {
        let lines = try tpm.tool("tpm2_getcap", "properties-variable").text.split(separator: "\n")
        return lines.first { $0.contains("TPM2_PT_LOCKOUT_COUNTER") }.map(String.init) ?? ""
    }

    /// Signs with a device of its own, which is closed afterwards.
    func sign(_ file: TPMKeyFile, _ authValue: AuthValue?) -> (signs: Bool, exit: ExitCode?, error: String) {
        do {
            let signer = try TPMSigner(.file(file), authValue: authValue, in: TPMDevice(tpm.tcti))
            return (signer.publicKey.verify(try signer.sign(message), of: message), nil, "")
        } catch {
            let known = error as? any Diagnostic
            return (false, known?.exitCode, known?.message ?? "\(error)")
        }
    }

    @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .ecdsaP256])
    func theRightPasswordSigns(_ algorithm: KeyAlgorithm) throws {
        let made = try TPMDevice(tpm.tcti).makeSigningKey(
            algorithm, authValue: auth("0123456789abcdef0123456789abcdef"))
        #expect(made.file.emptyAuth == false)
        #expect(sign(made.file, try auth("0123456789abcdef0123456789abcdef")).signs)
        // OpenSSL's provider asks for the password, and signs with it.
        try directory.write("k.key", try made.file.encode())
        let pss = algorithm == .ecdsaP256 ? [] : ["-sigopt", "rsa_padding_mode:pss"]
        let theirs = try run(
            [
                "openssl", "dgst", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2",
                "-sha256", "-sign", "k.key", "-passin", "pass:0123456789abcdef0123456789abcdef", "-out", "s",
            ] + pss + ["m"], in: directory.path, environment: tpm.environment)
        #expect(theirs.status == 0, "\(theirs.errors)")
        let area = try TPMPublicArea(unmarshalling: made.file.publicPart)
        #expect(area.publicKey.verify(try directory.read("s"), of: message))
    }

    @Test func aWrongPasswordIsNamedAndCostsNothing() throws {
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256, authValue: auth("right")).file
        #expect(try sign(file, auth("wrong")).exit == .permission)
        let missing = sign(file, nil)
        #expect(missing.exit == .permission && missing.error.names("--auth-file"), "\(missing.error)")
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
        #expect(try tpm.leftovers() == "")
        #expect(sign(file, try auth("right")).signs)
    }

    /// The owner's password, given to the hierarchy while a source runs, is not mistaken for the key's.
    @Test func aPasswordOfTheOwnerIsNotTheKeys() throws {
        let device = TPMDevice(tpm.tcti)
        let signer = try TPMSigner(.file(device.makeSigningKey(.ecdsaP256).file), authValue: nil, in: device)
        device.close()
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "secret").status == 0)
        let error = #expect(throws: SignerError.self) { try signer.sign(message) }
        #expect(error?.message.names("--owner-auth-file") == true, "\(error?.message ?? "")")
        device.close()
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "-p", "secret").status == 0)
        #expect(signer.publicKey.verify(try signer.sign(message), of: message))
    }

    @Test func aWrongPasswordIsNotTriedTwice() throws {
        let made = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256, authValue: auth("right"), isDAProtected: true)
        do {
            let signer = try TPMSigner(.file(made.file), authValue: try auth("wrong"), in: TPMDevice(tpm.tcti))
            for _ in 0..<5 {
                let error = #expect(throws: SignerError.self) { try signer.sign(message) }
                #expect(error?.code == .unauthorized && error?.message.names("1") == true, "\(error?.message ?? "")")
            }
        }
        #expect(try lockoutCounter().hasSuffix(": 0x1"))
    }

    @Test func aLockoutIsNamedWithItsCounter() throws {
        let device = TPMDevice(tpm.tcti)
        let guarded = try device.makeSigningKey(.ecdsaP256, authValue: auth("right"), isDAProtected: true).file
        let free = try device.makeSigningKey(.ecdsaP256, authValue: auth("right")).file
        device.close()
        #expect(try TPMPublicArea(unmarshalling: guarded.publicPart).attributes.bits == 0x0004_0072)
        #expect(
            try tpm.tool("tpm2_dictionarylockout", "--setup-parameters", "-n", "2", "-t", "300", "-l", "600").status
                == 0)
        for _ in 0..<2 { #expect(!sign(guarded, try auth("wrong")).signs) }
        let refusal = try sign(guarded, auth("right"))
        #expect(refusal.exit == .unavailable)
        // Tries, and the seconds until one and all are forgotten.
        for number in ["2", "300", "600"] { #expect(refusal.error.names(number), "\(refusal.error)") }
        // A key without dictionary-attack protection does not care.
        #expect(sign(free, try auth("right")).signs)
        #expect(try tpm.tool("tpm2_dictionarylockout", "--clear-lockout").status == 0)
        #expect(sign(guarded, try auth("right")).signs)
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
    }

    /// To a TPM a power cut while a guarded key is loaded is a failed try; without noDA three of them lock out the right
    /// password.
    @Test func powerCutsCountForAGuardedKeyOnly() throws {
        let device = TPMDevice(tpm.tcti)
        let guarded = try device.makeSigningKey(.ecdsaP256, authValue: auth("right"), isDAProtected: true).file
        let free = try device.makeSigningKey(.ecdsaP256, authValue: auth("right")).file
        device.close()
        for _ in 0..<3 {
            let signer = try TPMSigner(.file(free), authValue: try auth("right"), in: device)
            _ = try signer.sign(message)
            try tpm.restart()
        }
        device.close()
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
        for _ in 0..<3 {
            let signer = try TPMSigner(.file(guarded), authValue: try auth("right"), in: device)
            _ = try signer.sign(message)
            try tpm.restart()
        }
        device.close()
        #expect(try lockoutCounter().hasSuffix(": 0x3"))
        #expect(try sign(guarded, auth("right")).exit == .unavailable)
        #expect(sign(free, try auth("right")).signs)
    }

    @Test func passwordsHaveAtMost32Bytes() throws {
        #expect(throws: TPMError.self) { try auth(String(repeating: "x", count: 33)) }
        // The TPM drops zeros at the end, and so does ESAPI.
        var bytes: [UInt8] = Array("right".utf8) + [0, 0]
        let padded = try AuthValue(moving: &bytes)
        #expect(bytes.isEmpty)
        let file = try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256, authValue: padded).file
        #expect(sign(file, try auth("right")).signs)
    }

    @Test func keysOfTpm2ToolsWithAPasswordSignHere() throws {
        try tpm.createPrimary("p.ctx", in: directory)
        try tpm.tools(
            [
                "tpm2_create", "-C", "p.ctx", "-G", "rsa2048:rsapss:null", "-u", "u", "-r", "r", "-p", "secret", "-Q",
                "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign",
            ], in: directory)
        let file = TPMKeyFile(
            emptyAuth: false, parent: TPMKeyFile.ownerHierarchy, publicPart: try directory.read("u"),
            privatePart: try directory.read("r"))
        #expect(sign(file, try auth("secret")).signs)
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
    }
}

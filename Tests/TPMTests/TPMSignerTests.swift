import EntropyCrypto
import Foundation
import Provisioning
import Support
import Testing

@testable import TPM

/// Keys in a swtpm, judged by openssl, tpm2-openssl and tpm2-tools.
@Suite(.enabled(if: haveTools("swtpm", "openssl", "tpm2_getcap"), "swtpm, openssl or tpm2-tools is not installed"))
struct TPMSignerTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory
    let message = Array("a message".utf8)

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
        try directory.write("m", message)
    }

    func sh(_ command: String...) throws -> Finished {
        try run(command, in: directory.path, environment: tpm.environment)
    }

    /// Makes a key and writes it as rsagen does.
    func makeKey(_ algorithm: KeyAlgorithm) throws -> TPMKeyFile {
        let device = TPMDevice(tpm.tcti)
        let file = try device.makeSigningKey(algorithm).file
        try directory.write("k.key", try file.encode())
        let key = try TPMPublicArea(unmarshalling: file.publicPart).publicKey
        try directory.write("k.pub", key.pkix)
        try directory.write("k.pem", try key.file(pem: true))
        return file
    }

    func sign(_ file: TPMKeyFile) throws -> [UInt8] {
        // The device is closed with this function: swtpm serves one connection at a time.
        try TPMSigner(.file(file), authValue: nil, in: TPMDevice(tpm.tcti)).sign(message)
    }

    func opensslVerifies(_ algorithm: KeyAlgorithm) throws -> String {
        let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"]
        return try run(
            ["openssl", "dgst", "-sha256", "-verify", "k.pem", "-signature", "s"] + (algorithm == .ecdsaP256 ? [] : pss)
                + ["m"], in: directory.path
        ).text
    }

    @Test(arguments: [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .ecdsaP256])
    func othersReadOurKeysAndSignatures(_ algorithm: KeyAlgorithm) throws {
        let file = try makeKey(algorithm)
        let exported = try sh(
            "openssl", "pkey", "-provider", "tpm2", "-provider", "default", "-in", "k.key", "-pubout", "-outform", "DER"
        )
        #expect(Array(exported.output) == (try directory.read("k.pub")), "\(exported.errors)")
        try directory.write("s", try sign(file))
        #expect(try opensslVerifies(algorithm) == "Verified OK\n")
        let pss = algorithm == .ecdsaP256 ? [] : ["-sigopt", "rsa_padding_mode:pss"]
        let theirs = try run(
            [
                "openssl", "dgst", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2",
                "-sha256", "-sign", "k.key",
            ]
                + pss + ["-out", "s", "m"], in: directory.path, environment: tpm.environment)
        #expect(theirs.status == 0, "\(theirs.errors)")
        #expect(try opensslVerifies(algorithm) == "Verified OK\n")
        #expect(try tpm.leftovers() == "")
    }

    @Test func theAttributesAreTheOnesOfTheTemplate() throws {
        let file = try makeKey(.rsa(bits: 2048))
        let area = try TPMPublicArea(unmarshalling: file.publicPart)
        #expect(area.attributes.bits == 0x0004_0472)
        #expect(area.attributes.text == "fixedTPM fixedParent sensitiveDataOrigin userWithAuth noDA sign")
        try directory.write("pub.tss", file.publicPart)
        let printed = try sh("tpm2_print", "-t", "TPM2B_PUBLIC", "pub.tss")
        #expect(
            printed.text.contains("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign"), "\(printed.text)")
        #expect(printed.text.contains("rsapss"))
    }

    @Test func keysOfTpm2OpensslSignHere() throws {
        for (arguments, algorithm) in [
            (["-algorithm", "RSA", "-pkeyopt", "bits:2048"], KeyAlgorithm.rsa(bits: 2048)),
            (["-algorithm", "EC", "-pkeyopt", "group:P-256"], .ecdsaP256),
        ] {
            let made = try run(
                ["openssl", "genpkey", "-provider", "tpm2", "-provider", "default", "-out", "k.key"] + arguments,
                in: directory.path, environment: tpm.environment)
            #expect(made.status == 0, "\(made.errors)")
            let file = try TPMKeyFile(decoding: try directory.read("k.key"))
            let key = try TPMPublicArea(unmarshalling: file.publicPart).publicKey
            try directory.write("k.pem", try key.file(pem: true))
            try directory.write("s", try sign(file))
            #expect(try opensslVerifies(algorithm) == "Verified OK\n")
        }
        #expect(try tpm.leftovers() == "")
    }

    @Test func manySignaturesLeaveNothingBehind() throws {
        let file = try makeKey(.ecdsaP256)
        do {
            let device = TPMDevice(tpm.tcti)
            let signer = try TPMSigner(.file(file), authValue: nil, in: device)
            let random = TPMRandom(device)
            for _ in 0..<100 { _ = (try signer.sign(message), try random.bytes(100)) }
        }
        #expect(try tpm.leftovers() == "")
        let lockout = try tpm.tool("tpm2_getcap", "properties-variable").text
        #expect(lockout.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0"))
    }

    @Test func randomBytesComeInFull() throws {
        let random = TPMRandom(TPMDevice(tpm.tcti))
        for count in [1, 31, 32, 33, 64, 65, 1024] {
            let bytes = try random.bytes(count)
            #expect(bytes.count == count)
            // A run of zeros is what a loop that trusts the asked-for size gives.
            if count >= 32 { #expect(bytes.suffix(16).contains { $0 != 0 }) }
        }
    }

    @Test func aRestartedTPMSignsAgain() throws {
        let file = try makeKey(.rsa(bits: 2048))
        let signer = try TPMSigner(.file(file), authValue: nil, in: TPMDevice(tpm.tcti))
        for _ in 0..<5 {
            try tpm.restart()
            #expect(signer.publicKey.verify(try signer.sign(message), of: message))
        }
        tpm.stop()
        #expect((#expect(throws: SignerError.self) { try signer.sign(message) })?.code == .unavailable)
        try tpm.restart()
        #expect(signer.publicKey.verify(try signer.sign(message), of: message))
    }

    @Test func aKeyOfAnotherTPMIsNamedAsSuch() throws {
        let file = try makeKey(.rsa(bits: 2048))
        let other = try SoftwareTPM()
        let error = #expect(throws: TPMError.self) {
            try TPMSigner(.file(file), authValue: nil, in: TPMDevice(other.tcti))
        }
        #expect(error?.code == .foreignKey)
        #expect(error?.exitCode == .badInput)
        #expect(try other.leftovers() == "")
    }

    @Test func aSizeThatTheTPMLacksListsWhatItHas() throws {
        let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).makeSigningKey(.rsa(bits: 4096)) }
        #expect(error?.code == .unsupported)
        for name in ["RSA-4096", "RSA-2048", "RSA-3072", "P-256"] {
            #expect(error?.message.names(name) == true, "\(error?.message ?? "")")
        }
    }

    @Test func anOwnerPasswordIsNamed() throws {
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "secret").status == 0)
        let error = #expect(throws: TPMError.self) { try TPMDevice(tpm.tcti).makeSigningKey(.ecdsaP256) }
        #expect(error?.code == .hierarchyAuthorization)
        #expect(try tpm.leftovers() == "")
    }

    @Test func aTPMThatIsNotThereIsNamed() throws {
        let nowhere = directory.file("nothing")
        for tcti in ["swtpm:path=\(nowhere)", "device:\(nowhere)", "nonsense:x", ""] {
            let error = #expect(throws: TPMError.self) { try TPMDevice(tcti).makeSigningKey(.ecdsaP256) }
            #expect(error?.code == .noDevice, "\(tcti)")
            #expect(error?.exitCode == .unavailable)
        }
    }

    /// What the device interface would write commands into.
    @Test func onlyACharacterDeviceIsWrittenTo() throws {
        let contents = Array("not a TPM".utf8)
        try directory.write("file", contents)
        #expect(mkfifo(directory.file("pipe"), 0o600) == 0)
        let socket = try Running(["socat", "UNIX-LISTEN:\(directory.file("socket"))", "-"])
        #expect(eventually(seconds: 120) { isListening(directory.file("socket")) }, "\(socket.errors)")
        try FileManager.default.createDirectory(atPath: directory.file("folder"), withIntermediateDirectories: false)
        for name in ["file", "pipe", "socket", "folder"] {
            try FileManager.default.createSymbolicLink(
                atPath: directory.file("link-\(name)"), withDestinationPath: directory.file(name))
            for path in [directory.file(name), directory.file("link-\(name)")] {
                for tcti in [
                    path, "device:\(path)", "libtss2-tcti-device.so.0:\(path)", "libtss2-tcti-device.so:\(path)",
                    "pcap:device:\(path)",
                ] {
                    let error = #expect(throws: TPMError.self) { try TPMDevice(tcti).properties() }
                    #expect(error?.code == .notADevice, "\(tcti)")
                    #expect(error?.exitCode == .badInput)
                }
            }
        }
        #expect(try directory.read("file") == contents)
        // A character device is opened, and a link to one; this one is no TPM.
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("null"), withDestinationPath: "/dev/null")
        for path in ["/dev/null", directory.file("null")] {
            #expect((#expect(throws: TPMError.self) { try TPMDevice(path).properties() })?.code == .noDevice)
        }
    }

    @Test func aPathAloneIsThatOfADevice() {
        for (given, meant) in [
            ("/dev/tpmrm0", "device:/dev/tpmrm0"), ("device", "device:/dev/tpmrm0"), ("device:", "device:/dev/tpmrm0"),
            ("device:/dev/tpm1", "device:/dev/tpm1"), ("swtpm:path=/x", "swtpm:path=/x"), ("mssim", "mssim"),
            ("/usr/lib/libtss2-tcti-device.so.0:/dev/tpm0", "/usr/lib/libtss2-tcti-device.so.0:/dev/tpm0"),
        ] { #expect(TPMDevice(given).configuration == meant) }
    }

    /// The CryptoCape's chip: the kernel has no /dev/tpmrm0 for it, and says what it is.
    @Test func aTPM12IsNamed() throws {
        try FileManager.default.createDirectory(
            atPath: directory.file("tpm0"), withIntermediateDirectories: false)
        for (version, code) in [("1\n", TPMError.Code.tpm12), ("2\n", .noDevice)] {
            try directory.write("tpm0/tpm_version_major", version)
            let error = #expect(throws: TPMError.self) {
                try TCTI.examineDevice("device:/dev/no-such-place/tpmrm0", classes: directory.path)
            }
            #expect(error?.code == code)
            #expect(error?.exitCode == .unavailable)
        }
    }

    /// A key that tpm2-tools made with these attributes, as a key file of ours.
    func keyFile(attributes: String, policy: Bool = false) throws -> [UInt8] {
        #expect(try sh("tpm2_createprimary", "-c", "p.ctx", "-G", "ecc", "-Q").status == 0)
        let scheme = attributes.contains("sign") ? "rsa2048:rsapss:null" : "rsa2048"
        var command = ["tpm2_create", "-C", "p.ctx", "-G", scheme, "-u", "u", "-r", "r", "-a", attributes, "-Q"]
        if policy {
            try directory.write("policy", [UInt8](repeating: 7, count: 32))
            command += ["-L", "policy"]
        }
        let made = try run(command, in: directory.path, environment: tpm.environment)
        #expect(made.status == 0, "\(made.errors)")
        return try TPMKeyFile(
            emptyAuth: true, parent: TPMKeyFile.ownerHierarchy, publicPart: directory.read("u"),
            privatePart: directory.read("r")
        ).encode()
    }

    @Test func aKeyWithAPasswordIsNotTriedInVain() throws {
        _ = try sh("tpm2_createprimary", "-c", "p.ctx", "-G", "ecc", "-Q")
        let made = try sh(
            "tpm2_create", "-C", "p.ctx", "-G", "rsa2048:rsapss:null", "-u", "u", "-r", "r", "-p", "secret", "-Q", "-a",
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
        #expect(made.status == 0, "\(made.errors)")
        _ = try sh("tpm2_flushcontext", "-t")
        for emptyAuth in [false, nil] as [Bool?] {
            let file = TPMKeyFile(
                emptyAuth: emptyAuth, parent: TPMKeyFile.ownerHierarchy, publicPart: try directory.read("u"),
                privatePart: try directory.read("r"))
            let error = #expect(throws: TPMError.self) {
                try TPMSigner(.file(file), authValue: nil, in: TPMDevice(tpm.tcti))
            }
            #expect(error?.code == .wrongAuthorization)
        }
        #expect(try tpm.tool("tpm2_getcap", "properties-variable").text.contains("TPM2_PT_LOCKOUT_COUNTER: 0x0"))
    }

    @Test func unfitKeysAreRefused() throws {
        for (attributes, policy) in [
            ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt", false),
            ("fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|restricted", false),
            ("sensitivedataorigin|userwithauth|sign", false),
            ("fixedtpm|fixedparent|sensitivedataorigin|sign", true),
        ] {
            try directory.write("x.key", try keyFile(attributes: attributes, policy: policy))
            let error = #expect(throws: ProvisioningError.self) {
                try SigningKey(reading: directory.file("x.key"), warn: { _ in })
            }
            #expect(error?.exitCode == .badInput)
            _ = try sh("tpm2_flushcontext", "-t")
        }
    }
}

import EntropyCrypto
import Foundation
import Support
import Testing

@testable import TPM

/// Keys whose parent is kept in the TPM, with and without a password, made by tpm2-tools; and a TPM whose owner has one.
@Suite(.enabled(if: haveTools("swtpm", "tpm2_getcap", "openssl"), "swtpm, tpm2-tools or openssl is not installed"))
struct ParentTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory
    let message = Array("a message".utf8)
    static let parent: UInt32 = 0x8100_0001
    static let storage = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt"

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
    }

    func sh(_ command: [String]) throws { try tpm.tools(command, in: directory) }

    func auth(_ text: String) throws -> AuthValue {
        var bytes = Array(text.utf8)
        return try AuthValue(moving: &bytes)
    }

    /// A primary of tpm2-tools; "noda" is among its attributes, or not.
    func makePrimary(_ algorithm: String = "ecc", isGuarded: Bool, password: String? = nil) throws {
        try sh(
            [
                "tpm2_createprimary", "-C", "o", "-c", "p.ctx", "-G", algorithm, "-Q", "-a",
                ParentTests.storage + (isGuarded ? "" : "|noda"),
            ] + (password.map { ["-p", $0] } ?? []))
    }

    /// A key under that primary.
    func makeKey(under parent: String = "p.ctx", password: String? = nil) throws {
        try sh(
            [
                "tpm2_create", "-C", parent, "-G", "ecc256:ecdsa-sha256:null", "-u", "u", "-r", "r", "-Q", "-a",
                "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign",
            ] + (password.map { ["-P", $0] } ?? []))
    }

    /// The same under a persistent parent.
    func makeKeyUnderPersistentParent(isGuarded: Bool, password: String?) throws -> TPMKeyFile {
        try makePrimary(isGuarded: isGuarded, password: password)
        try sh(["tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000001", "-Q"])
        try makeKey(under: "0x81000001", password: password)
        return try file(parent: ParentTests.parent)
    }

    func file(parent: UInt32, isRSAParent: Bool = false) throws -> TPMKeyFile {
        TPMKeyFile(
            emptyAuth: true, parent: parent, isRSAParent: isRSAParent, publicPart: try directory.read("u"),
            privatePart: try directory.read("r"))
    }

    /// Signs with a device of its own, which is closed afterwards. Nil when it did, else why not.
    func refusal(
        _ location: TPMKeyLocation, owner: String? = nil, parent: String? = nil, tcti: String? = nil
    ) throws -> TPMError.Code? {
        let device = TPMDevice(tcti ?? tpm.tcti)
        device.usePasswords(owner: try owner.map { try auth($0) }, parent: try parent.map { try auth($0) })
        device.expect(location, primaryName: nil)
        do {
            let signer = try TPMSigner(location, authValue: nil, in: device)
            try signer.checkPassword()
            #expect(signer.publicKey.verify(try signer.sign(message), of: message))
            return nil
        } catch { return (error as? TPMError)?.code ?? .refused }
    }

    func lockoutCounter() throws -> String {
        let lines = try tpm.tool("tpm2_getcap", "properties-variable").text.split(separator: "\n")
        return lines.first { $0.contains("TPM2_PT_LOCKOUT_COUNTER") }.map(String.init) ?? ""
    }

    @Test func aPasswordThatMayCountIsNotTriedUnlessItWasGiven() throws {
        let file = try makeKeyUnderPersistentParent(isGuarded: true, password: "geheim")
        for _ in 0..<5 { #expect(try refusal(.file(file)) == .parentAuthorization) }
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
        #expect(try refusal(.file(file), parent: "geheim") == nil)
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
        // A wrong one that was given is tried once, however often a signature is wanted.
        let device = TPMDevice(tpm.tcti)
        device.usePasswords(owner: nil, parent: try auth("falsch"))
        #expect(throws: TPMError.self) { try TPMSigner(.file(file), authValue: nil, in: device) }
        device.close()
        #expect(try lockoutCounter().hasSuffix(": 0x1"))
        #expect(try tpm.leftovers() == "")
    }

    /// The parent's password is changed while the key is in use.
    @Test func aRefusedOneIsNotTriedAgain() throws {
        let file = try makeKeyUnderPersistentParent(isGuarded: true, password: "geheim")
        let device = TPMDevice(tpm.tcti)
        device.usePasswords(owner: nil, parent: try auth("geheim"))
        let signer = try TPMSigner(.file(file), authValue: nil, in: device)
        device.close()
        try sh(["tpm2_evictcontrol", "-C", "o", "-c", "0x81000001", "-Q"])
        try makePrimary(isGuarded: true, password: "anders")
        try sh(["tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000001", "-Q"])
        for _ in 0..<3 { #expect(throws: SignerError.self) { try signer.sign(message) } }
        device.close()
        #expect(try lockoutCounter().hasSuffix(": 0x1"))
    }

    /// As TCG's template has it: wrong ones do not count, and the empty one is tried.
    @Test func anUnguardedParentIsTried() throws {
        let file = try makeKeyUnderPersistentParent(isGuarded: false, password: "geheim")
        #expect(try refusal(.file(file)) == .parentAuthorization)
        #expect(try refusal(.file(file), parent: "falsch") == .parentAuthorization)
        #expect(try refusal(.file(file), parent: "geheim") == nil)
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
    }

    @Test func aGuardedParentWithoutAPasswordIsNamedByAnEmptyOne() throws {
        let file = try makeKeyUnderPersistentParent(isGuarded: true, password: nil)
        #expect(try refusal(.file(file)) == .parentAuthorization)
        #expect(try refusal(.file(file), parent: "") == nil)
    }

    /// What needs no owner asks for none: neither the key's loading nor its session.
    @Test func theOwnersPasswordIsNeededOnlyWhereItIs() throws {
        let persistent = try makeKeyUnderPersistentParent(isGuarded: false, password: nil)
        let device = TPMDevice(tpm.tcti)
        let derived = try device.makeSigningKey(.ecdsaP256).file
        try device.persist(derived, at: 0x8100_0010)
        device.close()
        #expect(try tpm.tool("tpm2_changeauth", "-c", "owner", "secret-of-the-owner").status == 0)
        #expect(try refusal(.file(persistent)) == nil)
        #expect(try refusal(.handle(0x8100_0010)) == nil)
        #expect(try TPMRandom(TPMDevice(tpm.tcti)).bytes(32).count == 32)
        // Needed, and given; never on the bus.
        #expect(try refusal(.file(derived)) == .hierarchyAuthorization)
        #expect(try refusal(.file(derived), owner: "another") == .hierarchyAuthorization)
        do {
            let recorder = try BusRecorder(tpm)
            #expect(try refusal(.file(derived), owner: "secret-of-the-owner", tcti: recorder.tcti) == nil)
            #expect(try recorder.everything().range(of: Data("secret-of-the".utf8)) == nil)
        }
        do {
            let owned = TPMDevice(tpm.tcti)
            owned.usePasswords(owner: try auth("secret-of-the-owner"), parent: nil)
            try owned.persist(try owned.makeSigningKey(.ecdsaP256).file, at: 0x8100_0011)
        }
        #expect(try refusal(.handle(0x8100_0011)) == nil)
        #expect(try lockoutCounter().hasSuffix(": 0x0"))
        #expect(try tpm.leftovers() == "")
    }

    /// The session is salted to the parent: no primary is derived.
    @Test func aPersistentParentIsAllThatIsNeeded() throws {
        let file = try makeKeyUnderPersistentParent(isGuarded: false, password: nil)
        let recorder = try BusRecorder(tpm)
        #expect(try refusal(.file(file), tcti: recorder.tcti) == nil)
        #expect(try recorder.commandCodes().contains(0x131) == false)  // TPM2_CreatePrimary
        #expect(try recorder.commandCodes().contains(0x176))  // TPM2_StartAuthSession
    }

    /// A record of version 2.0 has the Name of the owner's primary, a new one that of the parent. Either is checked.
    @Test func eitherRecordIsChecked() throws {
        // Of RSA: by the elliptic template it would be the owner's primary itself.
        try makePrimary("rsa", isGuarded: false)
        try sh(["tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000001", "-Q"])
        try makeKey(under: "0x81000001")
        let file = try file(parent: ParentTests.parent)
        try sh(["tpm2_readpublic", "-c", "0x81000001", "-n", "name", "-Q"])
        let device = TPMDevice(tpm.tcti)
        let owners = try device.primaryName()
        device.expect(.file(file), primaryName: nil)
        let parents = try device.primaryName()
        #expect(try parents == directory.read("name") && parents != owners)
        #expect(try device.primaryName(recorded: owners) == owners)
        for name in [owners, parents] {
            device.expect(.file(file), primaryName: name)
            let signer = try TPMSigner(.file(file), authValue: nil, in: device)
            #expect(signer.publicKey.verify(try signer.sign(message), of: message))
        }
        device.expect(.file(file), primaryName: owners.dropLast() + [owners[33] ^ 1])
        let error = #expect(throws: TPMError.self) { try TPMSigner(.file(file), authValue: nil, in: device) }
        #expect(error?.code == .foreignKey)
        device.close()
        #expect(try tpm.leftovers() == "")
    }

    /// The names of the two primaries are those of the "TPM 2.0 key files" draft: ECC, unless "rsaParent" says RSA.
    @Test func anRSAParentIsObeyed() throws {
        try makePrimary("rsa2048:aes128cfb", isGuarded: false)
        try makeKey()
        #expect(try refusal(.file(file(parent: TPMKeyFile.ownerHierarchy, isRSAParent: true))) == nil)
        #expect(try refusal(.file(file(parent: TPMKeyFile.ownerHierarchy))) == .foreignKey)
        let text = try file(parent: TPMKeyFile.ownerHierarchy, isRSAParent: true).encode()
        #expect(try TPMKeyFile(decoding: text).isRSAParent)
        #expect(try tpm.leftovers() == "")
    }

    /// tpm2-openssl takes 0 for the owner hierarchy, and signs with it.
    @Test func parentZeroIsTheOwners() throws {
        try makePrimary(isGuarded: false)
        try makeKey()
        let file = try file(parent: 0)
        #expect(try refusal(.file(TPMKeyFile(decoding: file.encode()))) == nil)
        try directory.write("k.key", file.encode())
        try directory.write("m", message)
        let theirs = try run(
            [
                "openssl", "dgst", "-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2",
                "-sha256", "-sign", "k.key", "-out", "s", "m",
            ], in: directory.path, environment: tpm.environment)
        #expect(theirs.status == 0, "\(theirs.errors)")
        let key = try TPMPublicArea(unmarshalling: file.publicPart).publicKey
        #expect(key.verify(try directory.read("s"), of: message))
    }

    @Test func aFileThatWasWrittenFromAHandleIsNamed() throws {
        let device = TPMDevice(tpm.tcti)
        try device.persist(try device.makeSigningKey(.ecdsaP256).file, at: 0x8100_0010)
        device.close()
        let written = try run(
            [
                "openssl", "pkey", "-provider", "tpm2", "-provider", "default", "-in", "handle:0x81000010", "-out",
                "h.key",
            ],
            in: directory.path, environment: tpm.environment)
        #expect(written.status == 0, "\(written.errors)")
        let error = #expect(throws: TPMError.self) { try TPMKeyFile(decoding: try directory.read("h.key")) }
        #expect(error?.code == .unusableKey)
    }
}

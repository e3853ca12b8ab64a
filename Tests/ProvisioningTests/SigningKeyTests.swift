import EntropyCrypto
import EntropyState
import Foundation
import Platform
import Support
import Testing

@testable import Provisioning
@testable import TPM

/// A key's file, its record, and a TPM that is or is not the recorded one.
@Suite(.enabled(if: haveTools("swtpm"), "swtpm is not installed"))
struct SigningKeyTests {
    let tpm: SoftwareTPM
    let directory: TemporaryDirectory

    init() throws {
        tpm = try SoftwareTPM()
        directory = try TemporaryDirectory()
    }

    /// Makes a key and its files, as rsagen does.
    @discardableResult
    func make(_ base: String, _ algorithm: KeyAlgorithm = .ecdsaP256) throws -> NewSigningKey {
        let key = try NewSigningKey.make(algorithm, in: TPMDevice(tpm.tcti), authValue: nil, isDAProtected: false)
        try directory.write("\(base).key", key.privateFile)
        try directory.write("\(base).tpm.json", try #require(key.tpm).record.encode())
        return key
    }

    func open(_ name: String, record: String? = nil, warn: (String) -> Void = { _ in }) throws -> any Signer {
        try SigningKey(
            reading: directory.file(name), record: .init(record.map { directory.file($0) }), warn: { _ in }
        ).signer(TPMDevice(tpm.tcti), warn: warn)
    }

    func edit(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read(name))) as? [String: Any]
        var object = try #require(parsed)
        change(&object)
        try directory.write(name, Array(JSONSerialization.data(withJSONObject: object)))
    }

    func flip(_ name: String, _ member: String) throws {
        try edit(name) { object in
            var bytes = Array(Data(base64Encoded: object[member] as? String ?? "") ?? Data())
            bytes[bytes.count - 1] ^= 1
            object[member] = Data(bytes).base64EncodedString()
        }
    }

    @Test func theRecordStandsBesideTheKey() throws {
        #expect(TPMRecord.path(besides: "signer.key") == "signer.tpm.json")
        #expect(TPMRecord.path(besides: "/etc/x/a.key") == "/etc/x/a.tpm.json")
        #expect(TPMRecord.path(besides: "a.pem") == "a.pem.tpm.json")
        let key = try make("k", .rsa(bits: 2048))
        let record = try TPMRecord(reading: directory.file("k.tpm.json"))
        #expect(record.saltLength == 32)  // what swtpm uses
        #expect(record.keyName == key.tpm?.record.keyName)
        #expect(record.proof?.ticket == key.tpm?.record.proof?.ticket)
        #expect(try make("e").tpm?.record.saltLength == nil)
        var warnings: [String] = []
        _ = try open("k.key") { warnings.append($0) }
        #expect(warnings.isEmpty)
    }

    @Test func withoutARecordThatIsSaid() throws {
        try make("k")
        try directory.remove("k.tpm.json")
        var warnings: [String] = []
        do { _ = try open("k.key") { warnings.append($0) } }
        #expect(warnings.count == 1 && warnings.first?.names("--record") == true)
        // A record may be made later, of the TPM that is there then; it proves no creation.
        let record = try SigningKey(reading: directory.file("k.key"), warn: { _ in }).makeRecord(TPMDevice(tpm.tcti))
        #expect(record.proof == nil)
        try directory.write("k.tpm.json", record.encode())
        do { _ = try open("k.key") { warnings.append($0) } }
        #expect(warnings.count == 1)
        #expect(try tpm.leftovers() == "")
    }

    @Test func anotherTPMIsRefused() throws {
        try make("k")
        try flip("k.tpm.json", "PrimaryName")
        let error = #expect(throws: ProvisioningError.self) { try open("k.key") }
        if case .tpm(_, let inner)? = error {
            #expect(inner.code == .foreignKey)
        } else {
            Issue.record("\(String(describing: error))")
        }
        #expect(try tpm.leftovers() == "")
    }

    @Test func theRecordOfAnotherKeyIsRefused() throws {
        try make("k")
        try make("other")
        let error = #expect(throws: ProvisioningError.self) { try open("k.key", record: "other.tpm.json") }
        #expect(error?.exitCode == .badInput)
        #expect(error?.message.contains("other.tpm.json") == true)
        try flip("k.tpm.json", "KeyName")
        #expect(throws: ProvisioningError.self) { try open("k.key") }
    }

    @Test func aDamagedRecordIsNamed() throws {
        try make("k")
        let good = try directory.text("k.tpm.json")
        for text in [
            "", "{", "[]", "{}", good.replacingOccurrences(of: "\"KeyName\": \"", with: "\"KeyName\": \"%"),
            good.replacingOccurrences(of: "CreationHash", with: "x"),
        ] {
            try directory.write("k.tpm.json", text)
            let error = #expect(throws: ProvisioningError.self) { try open("k.key") }
            #expect(error?.exitCode == .badInput)
            #expect(error?.message.contains("k.tpm.json") == true)
        }
        // One that was named and is not there is no reason to go on without.
        let missing = #expect(throws: ProvisioningError.self) { try open("k.key", record: "none.json") }
        #expect(missing?.exitCode == .missingInput)
    }

    @Test func handlesAreJudged() throws {
        for text in ["handle:", "handle:81000010", "handle:0x80000000", "handle:0x81000010 "] {
            let error = #expect(throws: ProvisioningError.self) { try SigningKey(reading: text, warn: { _ in }) }
            #expect(error?.exitCode == .usage)
        }
    }

    @Test func theInspectionSaysWhatIsThere() throws {
        let made = try make("k", .rsa(bits: 2048))
        let key = try SigningKey(reading: directory.file("k.key"), warn: { _ in })
        let bytes = Data(try KeyInspection(key, in: TPMDevice(tpm.tcti)).encode())
        let object = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        #expect(object["Location"] as? String == "loadable")
        #expect(object["Algorithm"] as? String == "RSA-2048 (RSASSA-PSS, SHA-256)")
        #expect(object["Fingerprint"] as? String == made.publicKey.fingerprint)
        #expect(object["Name"] as? String == hexadecimal(try #require(made.tpm).record.keyName))
        #expect(object["Parent"] as? String == "0x40000001")
        #expect(object["RecordMatches"] as? Bool == true)
        #expect(object["Signs"] as? Bool == true)
        #expect(object["SaltLength"] as? Int == 32)
        #expect(object["Manufacturer"] as? String == "IBM")
        #expect(object["FreeTransientSlots"] as? Int == 3)
        #expect(object["LockedOut"] as? Bool == false)
        #expect(try tpm.leftovers() == "")
        // Its TPM was replaced: said, not refused.
        let other = try SoftwareTPM()
        let there = Data(try KeyInspection(key, in: TPMDevice(other.tcti)).encode())
        let replaced = try #require(try JSONSerialization.jsonObject(with: there) as? [String: Any])
        #expect(replaced["RecordMatches"] as? Bool == false && replaced["Signs"] as? Bool == false)
        #expect(try other.leftovers() == "")
    }
}

import Foundation
import Support
import Testing

@testable import EntropyCrypto

/// PEM files as people have them, made by openssl.
@Suite(.enabled(if: haveTools("openssl"), "openssl is not installed")) struct PEMTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for command in [
            ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "key"],
            ["pkey", "-in", "key", "-pubout", "-out", "pub"], ["pkey", "-in", "key", "-outform", "DER", "-out", "der"],
            ["req", "-x509", "-key", "key", "-subj", "/CN=x", "-out", "cert"],
            ["rsa", "-in", "key", "-traditional", "-aes128", "-passout", "pass:x", "-out", "rfc1421"],
            ["pkcs8", "-topk8", "-in", "key", "-passout", "pass:x", "-out", "encrypted"],
        ] { #expect(try run(["openssl"] + command, in: directory.path).status == 0) }
    }

    func text(_ name: String) throws -> String { try directory.text(name) }

    @Test func blankLinesAndOtherBlocksArePassedOver() throws {
        let der = try directory.read("der")
        let lines = try text("key").split(separator: "\n")
        for file in [
            lines.joined(separator: "\n\n"), lines.joined(separator: "\r\n \t\r\n"),
            try text("cert") + text("key"), try text("key") + "\n" + text("cert"), try text("pub") + text("key"),
            "subject=x\n\n" + (try text("key")),
        ] {
            let signer = try SoftwareSigner(Array(file.utf8))
            #expect(signer.publicKey.pkix == (try PublicKey(directory.read("pub")).pkix))
            #expect(try PEM.decode(Array(file.utf8), .secret)?.der == PEM.decode(directory.read("key"))?.der)
        }
        #expect(try SoftwareSigner(der).publicKey.pkix == PublicKey(directory.read("pub")).pkix)
    }

    @Test func encryptedAndSeveralKeysAreRefused() throws {
        for (file, code) in [
            (try text("rfc1421"), CryptoError.Code.encryptedKey), (try text("encrypted"), .encryptedKey),
            (try text("key") + text("key"), .notAKey), (try text("cert"), .notAKey), (try text("pub"), .notAKey),
        ] {
            let error = #expect(throws: CryptoError.self) { try SoftwareSigner(Array(file.utf8)) }
            #expect(error?.code == code)
        }
    }
}

import EntropyCrypto
import Foundation
import Support
import Testing

@testable import EntropyState

/// The forms of a sink's key files. openssl makes them, and has the right bytes.
@Suite(.enabled(if: haveTools("openssl"), "openssl is not installed")) struct BoxKeyFileTests {
    let directory: TemporaryDirectory
    let secret: [UInt8]
    let bytes: [UInt8]

    init() throws {
        let place = try TemporaryDirectory()
        _ = try run(["openssl", "genpkey", "-algorithm", "X25519", "-out", place.file("k.pem")])
        let export = ["openssl", "pkey", "-in", place.file("k.pem"), "-outform", "DER"]
        // RFC 8410: the raw keys are the last 32 bytes of both forms.
        secret = Array(try run(export).output.suffix(32))
        bytes = Array(try run(export + ["-pubout"]).output.suffix(32))
        directory = place
    }

    func openssl(_ arguments: String...) throws -> [UInt8] {
        Array(try run(["openssl"] + arguments, in: directory.path).output)
    }

    static let texts = ["", "\n", "\r\n"]

    @Test func theseFormsAreTaken() throws {
        var publics = [bytes, try openssl("pkey", "-in", "k.pem", "-pubout")]
        publics.append(try openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "DER"))
        var privates = [secret, try openssl("pkey", "-in", "k.pem")]
        privates.append(try openssl("pkey", "-in", "k.pem", "-outform", "DER"))
        for end in BoxKeyFileTests.texts {
            for (raw, place) in [(bytes, 0), (secret, 1)] {
                let base64 = Data(raw).base64EncodedString()
                let hexadecimal = raw.map { String(format: "%02x", $0) }.joined()
                let texts = [base64, hexadecimal, hexadecimal.uppercased()].map { Array(($0 + end).utf8) }
                if place == 0 { publics += texts } else { privates += texts }
            }
        }
        for file in publics { #expect(try BoxPublicKey(decoding: file).bytes == bytes) }
        for file in privates { #expect(try BoxPrivateKey(decoding: file).publicKey.bytes == bytes) }
    }

    @Test func otherFilesAreRefused() throws {
        let signer = try SoftwareSigner(generating: .ecdsaP256)
        let text = Data(bytes).base64EncodedString()
        for file in [
            [], bytes + [10], Array(bytes.dropLast()), Array("\(text) ".utf8), Array("\(text)\(text)".utf8),
            Array(String(text.dropLast()).utf8), [UInt8](repeating: 0x30, count: 63), signer.publicKey.pkix,
            Array("ssh-ed25519 AAAA".utf8),
        ] as [[UInt8]] {
            #expect((#expect(throws: CryptoError.self) { try BoxPublicKey(decoding: file) })?.code == .wrongLength)
            #expect((#expect(throws: CryptoError.self) { try BoxPrivateKey(decoding: file) })?.code == .wrongLength)
        }
        // The other half, and another algorithm's key of the same size.
        _ = try openssl("genpkey", "-algorithm", "ED25519", "-out", "ed.pem")
        for file in [try openssl("pkey", "-in", "k.pem"), try openssl("pkey", "-in", "ed.pem", "-pubout")] {
            #expect((#expect(throws: CryptoError.self) { try BoxPublicKey(decoding: file) })?.code == .notAKey)
        }
        for file in [try openssl("pkey", "-in", "k.pem", "-pubout"), try openssl("pkey", "-in", "ed.pem")] {
            #expect((#expect(throws: CryptoError.self) { try BoxPrivateKey(decoding: file) })?.code == .notAKey)
        }
    }
}

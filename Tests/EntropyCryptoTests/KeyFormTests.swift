import Foundation
import Support
import Testing

@testable import EntropyCrypto

/// One key has one identity, whatever form its file has. openssl makes the forms, and says what the canonical one is.
@Suite(.enabled(if: haveTools("openssl"), "openssl is not installed")) struct KeyFormTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @discardableResult
    func openssl(_ arguments: String...) throws -> [UInt8] {
        let result = try run(["openssl"] + arguments, in: directory.path)
        #expect(result.status == 0, "openssl \(arguments): \(result.errors)")
        return Array(result.output)
    }

    /// Makes k.pem; returns the public half in the canonical form.
    func makeP256() throws -> [UInt8] {
        try openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "k.pem")
        return try openssl(
            "pkey", "-in", "k.pem", "-pubout", "-outform", "DER", "-ec_conv_form", "uncompressed", "-ec_param_enc",
            "named_curve")
    }

    static let forms = ["compressed", "hybrid", "uncompressed"].flatMap { point in
        ["named_curve", "explicit"].map { (point, $0) }
    }

    @Test(arguments: forms) func aP256KeyIsOneKey(_ point: String, _ curve: String) throws {
        let canonical = try makeP256()
        let form = ["-ec_conv_form", point, "-ec_param_enc", curve]
        for kind in [[], ["-outform", "DER"]] {
            let other = try run(["openssl", "pkey", "-in", "k.pem", "-pubout"] + form + kind, in: directory.path)
            #expect(other.status == 0)
            let key = try PublicKey(Array(other.output))
            #expect(key.pkix == canonical)
            #expect(key.fingerprint == hexadecimal(SHA256.hash(canonical)))
            // The private half's file may have the same form.
            let file = try run(["openssl", "pkey", "-in", "k.pem"] + form + kind, in: directory.path)
            let signer = try SoftwareSigner(Array(file.output))
            #expect(signer.publicKey.pkix == canonical)
            // What the key in this form verifies is what its holder signed.
            #expect(key.verify(try signer.sign([1, 2, 3]), of: [1, 2, 3]))
        }
        if point != "uncompressed" || curve != "named_curve" {
            // Else this test would ask nothing: openssl by itself keeps the form.
            let kept = try run(
                ["openssl", "pkey", "-in", "k.pem", "-pubout", "-outform", "DER"] + form, in: directory.path)
            #expect(Array(kept.output) != canonical)
        }
    }

    /// A curve that is P-256 but for its generator, which its maker chose so as to know the private key (CVE-2020-0601).
    @Test func aCurveWithAnotherGeneratorIsNotP256() throws {
        let canonical = try makeP256()
        let explicit = try openssl(
            "pkey", "-in", "k.pem", "-pubout", "-outform", "DER", "-ec_param_enc", "explicit")
        // SEC 2, 2.4.2.
        let generator = Data([
            0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
            0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42,
            0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b,
            0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
        ])
        var forged = Data(explicit)
        let place = try #require(forged.range(of: generator))
        forged.replaceSubrange(place, with: canonical.suffix(65))
        let error = #expect(throws: CryptoError.self) { try PublicKey(Array(forged)) }
        #expect(error?.code == .unsupportedKey || error?.code == .notAKey)
    }

    /// A DER element.
    func element(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        let length = UInt16(contents.count)
        return [tag, 0x82, UInt8(length >> 8), UInt8(length & 0xff)] + contents
    }

    /// SubjectPublicKeyInfo with these contents of the modulus, the exponent and the algorithm's parameters. All lengths have
    /// two bytes, which DER forbids for short ones.
    func pkix(_ modulus: [UInt8], _ exponent: [UInt8], _ parameters: [UInt8]) -> [UInt8] {
        let oid: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]
        let key = element(0x30, element(0x02, modulus) + element(0x02, exponent))
        return element(0x30, element(0x30, oid + parameters) + element(0x03, [0] + key))
    }

    @Test func anRSAKeyIsOneKeyOrNone() throws {
        try openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "k.pem")
        let canonical = try openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "DER")
        let text = String(decoding: try openssl("rsa", "-in", "k.pem", "-noout", "-modulus"), as: UTF8.self)
        let modulus = try hex(text.trimmingCharacters(in: .newlines).replacingOccurrences(of: "Modulus=", with: ""))
        let (exponent, null): ([UInt8], [UInt8]) = ([1, 0, 1], [0x05, 0x00])
        for form in [
            pkix([0] + modulus, exponent, null), pkix([0] + modulus, exponent, []),
            pkix([0, 0] + modulus, exponent, null), pkix([0] + modulus, [0] + exponent, null),
            // A first bit that is set makes the number negative: taken for what was meant, or refused.
            pkix(modulus, exponent, null),
            pkix([0] + modulus, exponent, element(0x04, [1, 2])),
            element(0x30, element(0x02, [0, 0] + modulus) + element(0x02, exponent)),
        ] {
            if let key = try? PublicKey(form) { #expect(key.pkix == canonical) }
        }
        #expect(try PublicKey(pkix([0] + modulus, exponent, [])).pkix == canonical)
        for wrong in [[], [0], [1], [2], [1, 0, 0], [0xff, 0, 0]] as [[UInt8]] {
            #expect(throws: CryptoError.self, "exponent \(wrong)") { try PublicKey(pkix([0] + modulus, wrong, null)) }
        }
    }

    @Test func aKeyInBase64IsTaken() throws {
        let canonical = try makeP256()
        for end in ["", "\n", "\r\n"] {
            let text = Data(canonical).base64EncodedString() + end
            #expect(try PublicKey(Array(text.utf8)).pkix == canonical)
        }
    }

    /// What people have at hand when they are asked for a key.
    @Test(.enabled(if: haveTools("ssh-keygen"), "ssh-keygen is not installed")) func otherFilesAreNoKeys() throws {
        _ = try makeP256()
        try openssl("req", "-x509", "-key", "k.pem", "-subj", "/CN=x", "-out", "certificate.pem")
        try openssl("x509", "-in", "certificate.pem", "-outform", "DER", "-out", "certificate.der")
        for (name, kind) in [("rsa", ["-t", "rsa", "-b", "2048"]), ("ecdsa", ["-t", "ecdsa"])] {
            #expect(try run(["ssh-keygen", "-q", "-N", "", "-f", directory.file(name)] + kind).status == 0)
            // The command that the message names.
            let file = "\(directory.file(name)).pub"
            let converted = try run(["ssh-keygen", "-e", "-m", "PKCS8", "-f", file])
            #expect(try PublicKey(Array(converted.output)).pkix.isEmpty == false)
            let own = try run(["ssh-keygen", "-p", "-q", "-N", "", "-m", "PKCS8", "-f", directory.file(name)])
            #expect(own.status == 0)
            #expect(try SoftwareSigner(directory.read(name)).publicKey.pkix == PublicKey(Array(converted.output)).pkix)
        }
        #expect(try run(["ssh-keygen", "-q", "-N", "", "-t", "ecdsa", "-f", directory.file("own")]).status == 0)
        for name in ["rsa.pub", "ecdsa.pub", "own", "k.pem", "certificate.pem", "certificate.der"] {
            let file = try directory.read(name)
            #expect((#expect(throws: CryptoError.self) { try PublicKey(file) })?.code == .notAKey, "\(name)")
        }
        for name in ["rsa.pub", "ecdsa.pub", "own", "certificate.pem", "certificate.der"] {
            let file = try directory.read(name)
            #expect((#expect(throws: CryptoError.self) { try SoftwareSigner(file) })?.code == .notAKey, "\(name)")
        }
    }

    /// RFC 7748, 5: the lowest three bits and the highest one are cleared, the one below it is set.
    @Test func privateKeysThatAnyoneCanGuessAreRefused() throws {
        var patterns = [0, 1, 7, 0x20, 0xff].map { [UInt8](repeating: $0, count: 32) }
        for (first, last) in [(7, 0), (0, 0xc0), (1, 0x40), (0, 0x80)] as [(UInt8, UInt8)] {
            patterns.append([first] + [UInt8](repeating: 0, count: 30) + [last])
        }
        for pattern in patterns {
            var bytes = pattern
            let error = #expect(throws: CryptoError.self) { try BoxPrivateKey(moving: &bytes) }
            #expect(error?.code == .unsupportedKey, "\(pattern)")
        }
        // The nearest that is not of this kind.
        var bytes = [8] + [UInt8](repeating: 0, count: 31)
        #expect(throws: Never.self) { try BoxPrivateKey(moving: &bytes) }
    }

    func hex(_ text: String) throws -> [UInt8] {
        let digits = Array(text)
        return try stride(from: 0, to: digits.count, by: 2).map {
            try #require(UInt8(String(digits[$0..<($0 + 2)]), radix: 16))
        }
    }
}

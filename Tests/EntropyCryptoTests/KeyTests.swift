import Foundation
import Support
import Testing

@testable import EntropyCrypto

/// Keys and signatures against the openssl program.
@Suite(.enabled(if: haveTools("openssl"), "openssl is not installed")) struct KeyTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func openssl(_ arguments: String...) throws {
        let result = try run(["openssl"] + arguments, in: directory.path)
        #expect(result.status == 0, "openssl \(arguments): \(result.errors)")
    }

    /// Makes k.pem, PKCS#8, and pub.pem.
    func makeKey(_ arguments: String...) throws {
        #expect(try run(["openssl", "genpkey", "-quiet", "-out", "k.pem"] + arguments, in: directory.path).status == 0)
        try openssl("pkey", "-in", "k.pem", "-pubout", "-out", "pub.pem")
        try openssl("pkey", "-in", "k.pem", "-pubout", "-outform", "DER", "-out", "pub.der")
    }

    @Test(arguments: [2048, 3072, 4096]) func rsaKeysInEveryForm(_ bits: Int) throws {
        try makeKey("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)")
        try openssl("pkey", "-in", "k.pem", "-outform", "DER", "-out", "pkcs8.der")
        try openssl("rsa", "-in", "k.pem", "-traditional", "-out", "pkcs1.pem")
        try openssl("rsa", "-in", "k.pem", "-traditional", "-outform", "DER", "-out", "pkcs1.der")
        try openssl("rsa", "-in", "k.pem", "-RSAPublicKey_out", "-out", "rsapub.pem")
        let pkix = try directory.read("pub.der")
        for name in ["k.pem", "pkcs8.der", "pkcs1.pem", "pkcs1.der"] {
            #expect(try SoftwareSigner(directory.read(name)).publicKey.pkix == pkix, "\(name)")
        }
        // The original writes PKIX under the label of PKCS#1.
        let relabelled = try directory.text("pub.pem").replacingOccurrences(of: "PUBLIC KEY", with: "RSA PUBLIC KEY")
        for file in [try directory.read("pub.pem"), pkix, try directory.read("rsapub.pem"), Array(relabelled.utf8)] {
            let key = try PublicKey(file)
            #expect(key.pkix == pkix)
            #expect(key.algorithm == .rsa(bits: Int32(bits)))
        }
    }

    @Test func p256KeysInEveryForm() throws {
        try makeKey("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        try openssl("ec", "-in", "k.pem", "-outform", "DER", "-out", "sec1.der")
        try openssl("pkey", "-in", "k.pem", "-outform", "DER", "-out", "pkcs8.der")
        let pkix = try directory.read("pub.der")
        for name in ["k.pem", "sec1.der", "pkcs8.der"] {
            #expect(try SoftwareSigner(directory.read(name)).publicKey.pkix == pkix, "\(name)")
        }
        #expect(try PublicKey(pkix).algorithm == .ecdsaP256)
    }

    @Test(arguments: ["digest", "max", "0"]) func opensslsPSSSignaturesVerify(_ salt: String) throws {
        try makeKey("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        try directory.write("m", "message")
        try openssl(
            "dgst", "-sha256", "-sign", "k.pem", "-sigopt", "rsa_padding_mode:pss", "-sigopt",
            "rsa_pss_saltlen:\(salt)",
            "-out", "s", "m")
        let key = try PublicKey(directory.read("pub.der"))
        var signature = try directory.read("s")
        #expect(key.verify(signature, of: Array("message".utf8)))
        #expect(!key.verify(signature, of: Array("Message".utf8)))
        signature[100] ^= 1
        #expect(!key.verify(signature, of: Array("message".utf8)))
        #expect(!key.verify([], of: Array("message".utf8)))
    }

    @Test func opensslVerifiesOurs() throws {
        try directory.write("m", "message")
        for algorithm in [KeyAlgorithm.rsa(bits: 2048), .rsa(bits: 3072), .ecdsaP256] {
            let signer = try SoftwareSigner(generating: algorithm)
            try directory.write("s", try signer.sign(Array("message".utf8)))
            try directory.write("pub.pem", try signer.publicKey.file(pem: true))
            let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"]
            let result = try run(
                ["openssl", "dgst", "-sha256", "-verify", "pub.pem"] + (algorithm == .ecdsaP256 ? [] : pss)
                    + ["-signature", "s", "m"], in: directory.path)
            #expect(result.text == "Verified OK\n", "\(algorithm)")
            for pem in [true, false] {
                try directory.write("k", try signer.file(pem: pem))
                try openssl("pkey", "-in", "k", "-inform", pem ? "PEM" : "DER", "-noout", "-check")
            }
        }
    }

    func code(ofPrivate bytes: [UInt8]) -> CryptoError.Code? {
        (#expect(throws: CryptoError.self) { try SoftwareSigner(bytes) })?.code
    }

    func code(ofPublic bytes: [UInt8]) -> CryptoError.Code? {
        (#expect(throws: CryptoError.self) { try PublicKey(bytes) })?.code
    }

    @Test(arguments: [
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["-algorithm", "ED25519"],
        ["-algorithm", "X25519"],
        ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    ])
    func otherKeysAreRefused(_ arguments: [String]) throws {
        let made = try run(["openssl", "genpkey", "-quiet", "-out", "k.pem"] + arguments, in: directory.path)
        #expect(made.status == 0)
        try openssl("pkey", "-in", "k.pem", "-pubout", "-out", "pub.pem")
        #expect(code(ofPrivate: try directory.read("k.pem")) == .unsupportedKey)
        #expect(code(ofPublic: try directory.read("pub.pem")) == .unsupportedKey)
    }

    @Test func whatIsNoKeyIsRefused() throws {
        try makeKey("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        try openssl("rsa", "-in", "k.pem", "-traditional", "-outform", "DER", "-out", "k.der")
        try openssl("pkey", "-in", "k.pem", "-aes256", "-passout", "pass:x", "-out", "pkcs8-locked.pem")
        try openssl("rsa", "-in", "k.pem", "-traditional", "-aes256", "-passout", "pass:x", "-out", "pkcs1-locked.pem")
        let (der, pkix) = (try directory.read("k.der"), try directory.read("pub.der"))
        for bytes in [[], [0x30], Array(der.prefix(100)), Array(der.dropLast()), der + [0], pkix, Array("no key".utf8)]
            as [[UInt8]]
        {
            #expect(code(ofPrivate: bytes) == .notAKey)
        }
        for bytes in [[], [0x30], Array(pkix.dropLast()), pkix + [0], der, Array("no key".utf8)] as [[UInt8]] {
            #expect(code(ofPublic: bytes) == .notAKey)
        }
        #expect(code(ofPublic: try directory.read("k.pem")) == .notAKey)
        #expect(code(ofPrivate: try directory.read("pub.pem")) == .notAKey)
        for name in ["pkcs8-locked.pem", "pkcs1-locked.pem"] {
            #expect(code(ofPrivate: try directory.read(name)) == .encryptedKey, "\(name)")
        }
        let tpm = Array("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n".utf8)
        #expect(code(ofPrivate: tpm) == .tpmKey)
    }

    /// A modulus with the mark of CVE-2017-15361, made by its definition: a power of 65537 modulo the product of the first
    /// primes. Python's cryptography writes it as a key. Keys of openssl do not have it.
    @Test(.enabled(if: haveTools("python3"), "python3 is not installed")) func weakKeysOfInfineonAreRefused() throws {
        let script = """
            import secrets, sys
            from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
            from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
            primes = [p for p in range(2, 760) if all(p % q for q in range(2, p))]
            product = 1
            for p in primes: product *= p
            # Odd, of 2048 bits, with no small factor, and no prime: whether it is a product of two nobody can see.
            n = 3
            while pow(2, n - 1, n) == 1:
                n = (secrets.randbits(2047) | 1 << 2047) // product * product + pow(65537, secrets.randbits(64), product)
                n += product * (n % 2 == 0)
            key = RSAPublicNumbers(65537, n).public_key()
            sys.stdout.buffer.write(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
            """
        for _ in 0..<5 {
            let weak = try run(["/usr/bin/python3", "-c", script])
            #expect(weak.status == 0, "\(weak.errors)")
            let error = #expect(throws: CryptoError.self) { try PublicKey(Array(weak.output)) }
            #expect(error?.message.contains("CVE-2017-15361") == true, "\(error?.message ?? "")")
            let good = try run(["openssl", "genrsa", "2048"], in: directory.path)
            _ = try SoftwareSigner(Array(good.output))
        }
    }
}

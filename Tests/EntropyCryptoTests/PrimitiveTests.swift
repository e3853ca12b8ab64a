import Support
import Testing

@testable import EntropyCrypto

@Suite struct PrimitiveTests {
    @Test func sha256OfFIPS180() {
        #expect(
            hexadecimal(SHA256.hash(Array("abc".utf8)))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        var hash = SHA256()
        for part in ["a", "", "bc"] { hash.update(Array(part.utf8)) }
        #expect(hash.finish() == SHA256.hash(Array("abc".utf8)))
        #expect(hash.finish() == SHA256.hash([]))
    }

    /// FIPS 197, C.3; and the all-zero key, whose answer is NIST's (AESAVS, ECBVarTxt256, the first one is for 80...).
    @Test func aes256OfFIPS197() {
        var bytes = (0..<32).map { UInt8($0) }
        var cipher = AES256()
        cipher.setKey(SecretBytes(moving: &bytes))
        func encrypt(_ text: String, _ cipher: borrowing AES256) -> String {
            var blocks = hex(text)
            let count = blocks.count
            blocks.withUnsafeMutableBufferPointer {
                if let base = $0.baseAddress { cipher.encrypt(base, count: count) }
            }
            return hexadecimal(blocks)
        }
        let block = "00112233445566778899aabbccddeeff"
        let expected = "8ea2b7ca516745bfeafc49904b496089"
        #expect(encrypt(block, cipher) == expected)
        #expect(encrypt(block + block, cipher) == expected + expected)
        #expect(encrypt("", cipher) == "")
        cipher.eraseKey()
        #expect(encrypt("80000000000000000000000000000000", cipher) == "ddc6bf790c15760d8d9aeb6f9a75fd4e")
    }

    /// FIPS 180-4's examples, two hashes in turn.
    @Test func secretHashes() {
        var hashes = SecretHashes(count: 2)
        var digest = SecretBytes(count: 32)
        hashes.update(0, Array("a".utf8))
        hashes.update(1, Array("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8))
        hashes.update(0, [])
        var rest = Array("bc".utf8)
        hashes.update(0, SecretBytes(moving: &rest))
        for _ in 0..<2 {
            hashes.finish(0, into: &digest)
            #expect(
                hexadecimal(digest.copyBytes()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            hashes.update(0, Array("abc".utf8))
        }
        hashes.finish(1, into: &digest)
        #expect(hexadecimal(digest.copyBytes()) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        hashes.finish(1, into: &digest)
        #expect(hexadecimal(digest.copyBytes()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    }

    @Test func secretsLeaveTheArrayTheyCameIn() {
        var bytes: [UInt8] = [1, 2, 3]
        let secret = SecretBytes(moving: &bytes)
        #expect(bytes.isEmpty)
        #expect(secret.copyBytes() == [1, 2, 3])
        var empty: [UInt8] = []
        #expect(SecretBytes(moving: &empty).copyBytes() == [])
    }

    /// They share pages, and nothing else: each is its owner's alone, and nothing is left in it for the next one.
    @Test func briefSecretsShareNothing() async {
        await withTaskGroup(of: Bool.self) { group in
            for task in 0..<8 {
                group.addTask {
                    (0..<200).allSatisfy { round in
                        var secrets: [Secret] = []
                        for place in 0..<((round * 7 + task) % 150) {
                            let secret = Secret(UInt8(truncatingIfNeeded: 1 + place + task))
                            guard secret.wasEmpty else { return false }
                            secrets.append(secret)
                        }
                        return secrets.allSatisfy { $0.isIntact }
                    }
                }
            }
            for await isGood in group { #expect(isGood) }
        }
    }

    /// 64 bytes of one value.
    private final class Secret {
        let wasEmpty: Bool
        private let value: UInt8
        private let bytes: SecretBytes

        init(_ value: UInt8) {
            self.value = value
            var bytes = SecretBytes(brief: 64)
            wasEmpty = bytes.copyBytes() == [UInt8](repeating: 0, count: 64)
            bytes.withUnsafeMutableBytes { $0.update(repeating: value, count: 64) }
            self.bytes = bytes
        }

        var isIntact: Bool { bytes.copyBytes() == [UInt8](repeating: value, count: 64) }
    }

    @Test(
        arguments: [
            ("", []), ("AA==", [0]), ("AQI=", [1, 2]), ("AQID", [1, 2, 3]), ("+/8=", [0xfb, 0xff]),
        ] as [(String, [UInt8])])
    func base64OfRFC4648(_ text: String, _ bytes: [UInt8]) {
        #expect(Base64.decode(text) == bytes)
        #expect(Base64.encode(bytes) == text)
    }

    @Test(arguments: [
        // libsodium takes bytes from 0x80 on for slashes where char has a sign; é has two.
        "éé", "AAé", "éA=",
        "A", "AA", "AA=", "AA===", "AQI", "AB==", "AQID\n", " AQID", "-_8=", "A=ID", "AQIDé", "====", "AA==AA==",
    ])
    func everythingElseIsNoBase64(_ text: String) { #expect(Base64.decode(text) == nil) }

    @Test(.enabled(if: haveTools("openssl"), "openssl is not installed"))
    func thePublicHalfIsTheOneOfOpenSSL() throws {
        let directory = try TemporaryDirectory()
        let made = try run([
            "openssl", "genpkey", "-algorithm", "X25519", "-outform", "DER", "-out", directory.file("key"),
        ])
        #expect(made.status == 0)
        let exported = try run([
            "openssl", "pkey", "-inform", "DER", "-in", directory.file("key"), "-pubout", "-outform", "DER",
        ])
        // RFC 8410: the raw keys are the last 32 bytes of both forms.
        var secret = Array(try directory.read("key").suffix(32))
        #expect(try BoxPrivateKey(moving: &secret).publicKey.bytes == Array(exported.output.suffix(32)))
    }

    @Test(arguments: [0, 1, 3, 31, 33, 64]) func aCurve25519KeyHas32Bytes(_ count: Int) {
        let bytes = [UInt8](repeating: 9, count: count)
        #expect((#expect(throws: CryptoError.self) { try BoxPublicKey(bytes) })?.code == .wrongLength)
        #expect(
            (#expect(throws: CryptoError.self) {
                var moved = bytes
                _ = try BoxPrivateKey(moving: &moved)
            })?.code == .wrongLength)
    }

    @Test func pointsOfSmallOrderAreNoKeys() {
        for point in [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        ] {
            #expect(
                (#expect(throws: CryptoError.self) { try BoxPublicKey(hex(point)).requireUsable() })?.code
                    == .unsupportedKey)
        }
    }

    @Test func aBoxOpensForItsKeyOnly() throws {
        let (source, sink, stranger) = (BoxPrivateKey(), BoxPrivateKey(), BoxPrivateKey())
        let sealed = try BoxSharedKey(sink.publicKey.bytes, source).seal([1, 2, 3])
        #expect(sealed.count == 24 + 16 + 3)
        #expect(try BoxSharedKey(source.publicKey.bytes, sink).open(sealed[...]) == [1, 2, 3])
        #expect(throws: CryptoError.self) { try BoxSharedKey(source.publicKey.bytes, stranger).open(sealed[...]) }
        for count in 0..<sealed.count {
            #expect(throws: CryptoError.self) {
                try BoxSharedKey(source.publicKey.bytes, sink).open(sealed.prefix(count))
            }
        }
    }
}

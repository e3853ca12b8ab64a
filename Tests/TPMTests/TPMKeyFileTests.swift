import DER
import EntropyCrypto
import Support
import Testing

@testable import TPM

@Suite struct TPMKeyFileTests {
    let loadable: [UInt8] = [0x67, 0x81, 0x05, 0x0a, 0x01, 0x03]

    /// A key file with these parts; `options` are complete elements.
    func file(type: [UInt8]? = nil, options: [UInt8] = [0xa0, 3, 1, 1, 0xff], parent: Int64 = 0x4000_0001) throws
        -> [UInt8]
    {
        var inner = DERWriter()
        inner.write(DERTag.objectIdentifier, type ?? loadable)
        var rest = DERWriter()
        rest.writeInteger(parent)
        rest.write(DERTag.octetString, [1, 2])
        rest.write(DERTag.octetString, [3])
        var outer = DERWriter()
        outer.write(DERTag.sequence, inner.bytes + options + rest.bytes)
        return try PEM(label: "TSS2 PRIVATE KEY", der: outer.bytes).encode()
    }

    func code(_ bytes: [UInt8]) -> TPMError.Code? {
        (#expect(throws: TPMError.self) { try TPMKeyFile(decoding: bytes) })?.code
    }

    @Test func isReadAsItIsWritten() throws {
        for emptyAuth in [true, false] {
            let key = TPMKeyFile(emptyAuth: emptyAuth, parent: 0x8100_0001, publicPart: [1, 2], privatePart: [3])
            let text = try key.encode()
            let read = try TPMKeyFile(decoding: text)
            #expect(read.emptyAuth == emptyAuth)
            #expect(read.parent == 0x8100_0001)
            #expect(read.publicPart == [1, 2])
            #expect(read.privatePart == [3])
            #expect(try read.encode() == text)
            // The same in DER.
            let der = try #require(try PEM.decode(text)).der
            #expect(TPMKeyFile.matches(der) && TPMKeyFile.matches(text))
            #expect(try TPMKeyFile(decoding: der).encode() == text)
        }
        let key = TPMKeyFile(emptyAuth: true, parent: 0x4000_0001, publicPart: [1, 2], privatePart: [3])
        #expect(try key.encode() == file())
    }

    @Test func theFormsOfOthersAreRead() throws {
        // TRUE as 0x01, which tpm2-openssl writes; no emptyAuth at all; description, rsaParent and an unknown option.
        #expect(try TPMKeyFile(decoding: file(options: [0xa0, 3, 1, 1, 0x01])).emptyAuth == true)
        #expect(try TPMKeyFile(decoding: file(options: [0xa0, 3, 1, 1, 0x00])).emptyAuth == false)
        #expect(try TPMKeyFile(decoding: file(options: [])).emptyAuth == nil)
        let options: [UInt8] = [0xa0, 3, 1, 1, 0xff, 0xa4, 3, 0x0c, 1, 0x61, 0xa5, 3, 1, 1, 0xff, 0xa9, 2, 5, 0]
        #expect(try TPMKeyFile(decoding: file(options: options)).emptyAuth == true)
        // tpm2-openssl on a 32-bit machine: 0x81000001 as a negative number.
        #expect(try TPMKeyFile(decoding: file(parent: -2_130_706_431)).parent == 0x8100_0001)
    }

    @Test func whatCannotSignIsRefusedByName() throws {
        #expect(code(try file(type: [0x67, 0x81, 0x05, 0x0a, 0x01, 0x04])) == .unusableKey)
        #expect(code(try file(type: [0x67, 0x81, 0x05, 0x0a, 0x01, 0x05])) == .unusableKey)
        #expect(code(try file(type: [0x2a, 0x03])) == .unusableKey)
        #expect(code(try file(options: [0xa1, 2, 0x30, 0])) == .unusableKey)
        #expect(code(try file(options: [0xa3, 2, 0x30, 0])) == .unusableKey)
    }

    @Test func damagedFilesAreRefused() throws {
        let good = try #require(try PEM.decode(try file()))
        for count in 1..<good.der.count {
            #expect(
                code(try PEM(label: "TSS2 PRIVATE KEY", der: Array(good.der.prefix(count))).encode()) == .badKeyFile)
        }
        #expect(code(try PEM(label: "TSS2 PRIVATE KEY", der: good.der + [0]).encode()) == .badKeyFile)
        #expect(code(try PEM(label: "PRIVATE KEY", der: good.der).encode()) == .badKeyFile)
        #expect(code([]) == .badKeyFile)
        #expect(code(try file(parent: 1 << 32)) == .badKeyFile)
        #expect(code(try file(options: [0xa0, 4, 1, 2, 0, 0])) == .badKeyFile)
    }
}

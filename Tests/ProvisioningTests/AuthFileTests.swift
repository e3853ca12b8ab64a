import EntropyState
import Platform
import Support
import TPM
import Testing

@testable import Provisioning

@Suite struct AuthFileTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    func read(_ bytes: [UInt8], mode: Int = 0o600, warn: (String) -> Void = { _ in }) throws -> [UInt8] {
        try directory.write("auth", bytes, mode: mode)
        return try AuthFile.read(directory.file("auth"), warn: warn).copyBytes()
    }

    @Test func aNewOneHas32RandomBytesForItsOwnerAlone() throws {
        let path = directory.file("new")
        let made = try AuthFile.make(path).copyBytes()
        #expect(made.count == 32)
        #expect(try directory.read("new") == made)
        #expect(try directory.mode("new") == 0o600)
        #expect(try AuthFile.read(path, warn: { _ in }).copyBytes() == made)
        // Never overwritten: the key that needs it would be lost.
        let error = #expect(throws: ProvisioningError.self) { try AuthFile.make(path) }
        #expect(error?.exitCode == .cannotCreate)
        #expect(try directory.read("new") == made)
    }

    @Test func bytesAreTakenAsTheyAreAndLinesWithoutTheirEnd() throws {
        let random = (0..<32).map { UInt8($0 * 7 + 3) }
        #expect(try read(random) == random)
        #expect(try read(random.dropLast() + [0x0a]) == random.dropLast() + [0x0a])
        #expect(try read(Array("secret\n".utf8)) == Array("secret".utf8))
        #expect(try read(Array("secret".utf8)) == Array("secret".utf8))
        let long = Array("0123456789abcdef0123456789abcdef".utf8)
        #expect(try read(long + [0x0a]) == long)
        #expect(try read([]) == [])
    }

    /// As OpenSSL takes them from a file (`-passin file:`): the line, whatever its characters are. A file with control
    /// characters is no text.
    @Test func oneLineOfTextIsTakenWithoutItsEnd() throws {
        for line in [
            Array("geheim".utf8), Array("schlüssel".utf8), Array("пароль".utf8), [0x67, 0xfc, 0x6c, 0x64],
            Array("a\tb".utf8),
        ] {
            for end in [[], [0x0a], [0x0d, 0x0a]] as [[UInt8]] { #expect(try read(line + end) == line) }
        }
        var warnings: [String] = []
        for binary in [[1, 2, 0x0a], [0x61, 0x0a, 0x62, 0x0a], [0x61, 0x0d, 0x0d, 0x0a], [0x7f, 0x0a]] as [[UInt8]] {
            #expect(try read(binary) { warnings.append($0) } == binary)
        }
        #expect(warnings.count == 4)
    }

    /// What version 2.0 took for the password of the same file.
    @Test func theEarlierPasswordIsKnown() throws {
        func earlier(_ bytes: [UInt8]) throws -> [UInt8]? {
            try directory.write("auth", bytes)
            return try AuthFile.contents(directory.file("auth"), warn: { _ in }).earlier?.copyBytes()
        }
        #expect(try earlier(Array("schlüssel\n".utf8)) == Array("schlüssel\n".utf8))
        #expect(try earlier(Array("schlüssel\r\n".utf8)) == Array("schlüssel\r\n".utf8))
        #expect(try earlier(Array("secret\n".utf8)) == nil)
        #expect(try earlier(Array("schlüssel".utf8)) == nil)
        #expect(try earlier([1, 2, 3, 0x0a]) == nil)
    }

    @Test func whatCannotBeAPasswordIsRefused() throws {
        for bytes in [
            [UInt8](repeating: 1, count: 33), Array("0123456789abcdef0123456789abcdef0".utf8),
            [UInt8](repeating: 1, count: 5000), [0], [UInt8](repeating: 0, count: 32),
        ] {
            let error = #expect(throws: ProvisioningError.self) { try read(bytes) }
            #expect(error?.exitCode == .badInput, "\(bytes.count)")
        }
        let missing = #expect(throws: ProvisioningError.self) { try AuthFile.read(directory.file("x"), warn: { _ in }) }
        #expect(missing?.exitCode == .missingInput)
    }

    @Test func othersThatMayReadItAreNamed() throws {
        var warnings: [String] = []
        _ = try read([1, 2, 3], mode: 0o644) { warnings.append($0) }
        #expect(warnings.count == 1 && warnings.first?.contains("0644") == true)
        _ = try read([1, 2, 3], mode: 0o400) { warnings.append($0) }
        #expect(warnings.count == 1)
    }
}

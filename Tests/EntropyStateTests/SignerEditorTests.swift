import EntropyCrypto
import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// Signers brought into a configuration and taken out of it, in place.
@Suite final class SignerEditorTests: SignerBench {
    /// True where the change is refused for what the signers are, and for nothing else.
    func isRefused(adding: PublicKey?, removing: PublicKey?) -> Bool {
        do throws(StateError) {
            _ = try SignerEditor(path).change(adding: adding, removing: removing)
            return false
        } catch {
            guard case .signers = error else { return false }
            return true
        }
    }

    @Test func aSignerIsAddedInPlace() throws {
        try write("\"\(text(keys[0]))\"", "\"Counter\": 41")
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: path)
        #expect(try SignerEditor(path).change(adding: keys[1], removing: nil) == 2)
        #expect(try counters() == [text(keys[0]): 41, text(keys[1]): 0])
        #expect(try SignerEditor(path).change(adding: keys[2], removing: nil) == 3)
        #expect(try load().signers.map { $0.counter } == [41, 0, 0])
        #expect(try directory.mode("config.json") == 0o640)
        // Unknown members and their order stay; the old counter went with its key.
        let parsed = try directory.text("config.json")
        let places = ["Address", "Signer", "Note", "Private", "Drift"].map { parsed.range(of: "\"\($0)\"")?.lowerBound }
        #expect(places.allSatisfy { $0 != nil } && places.compactMap { $0 } == places.compactMap { $0 }.sorted())
        #expect(!parsed.contains("}\n\t],\n\t\"Counter\""))
        let before = try directory.snapshot()
        for key in keys {
            #expect(isRefused(adding: key, removing: nil))
        }
        #expect(try directory.snapshot() == before)
    }

    /// A removed signer's counter stays: should it come back, what it sent before stays refused.
    @Test func aSignerIsRemovedInPlace() throws {
        try write("[\(entry(keys[0], 5)), \(entry(keys[1], 6))]")
        #expect(isRefused(adding: nil, removing: keys[2]))
        #expect(try SignerEditor(path).change(adding: nil, removing: keys[0]) == 1)
        #expect(try load().signers.map { $0.key.pkix } == [keys[1].pkix])
        let before = try directory.snapshot()
        #expect(isRefused(adding: nil, removing: keys[1]))
        #expect(isRefused(adding: nil, removing: keys[0]))
        #expect(try directory.snapshot() == before)
        #expect(try SignerEditor(path).change(adding: keys[0], removing: nil) == 2)
        #expect(try load().signers.map { $0.counter } == [5, 6])
        // One for another, in one step; from one key too.
        #expect(try SignerEditor(path).change(adding: keys[2], removing: keys[1]) == 2)
        #expect(try load().signers.map { $0.key.pkix } == [keys[0].pkix, keys[2].pkix])
        try write("\"\(text(keys[0]))\"", "\"Counter\": 41")
        #expect(try SignerEditor(path).change(adding: keys[1], removing: keys[0]) == 1)
        #expect(try counters() == [text(keys[0]): 41, text(keys[1]): 0])
    }

    @Test func seventeenSignersAreTooMany() throws {
        try write("\"\(text(keys[0]))\"")
        for _ in 1..<16 {
            _ = try SignerEditor(path).change(
                adding: SoftwareSigner(generating: .ecdsaP256).publicKey, removing: nil)
        }
        let before = try directory.snapshot()
        #expect(isRefused(adding: keys[1], removing: nil))
        #expect(try directory.snapshot() == before)
        #expect(try SignerEditor(path).change(adding: keys[1], removing: keys[0]) == 16)
    }

    /// A sink stores, an operator edits, both at once: no counter falls, none is lost.
    @Test func editsAndCountersDoNotDisturbEachOther() throws {
        try write("[\(entry(keys[0], 0)), \(entry(keys[1], 0))]")
        let running = try load()
        let path = path
        let other = keys[2]
        let editor = Thread {
            for _ in 0..<40 {
                _ = try? SignerEditor(path).change(adding: other, removing: nil)
                _ = try? SignerEditor(path).change(adding: nil, removing: other)
                // Longer than whoever waits for the lock sleeps between two looks.
                Thread.sleep(forTimeInterval: 0.015)
            }
        }
        editor.start()
        var number: Int64 = 0
        while !editor.isFinished || number < 40 {
            number += 1
            try running.counterFile.store(number, for: Int(number % 2), of: running.signers)
        }
        let stored = try counters()
        #expect(Set([stored[text(keys[0])], stored[text(keys[1])]]) == [number, number - 1])
    }

    /// A sink that runs while its configuration is edited finds its counter in its new place.
    @Test(arguments: [false, true]) func aRunningSinkGoesOn(_ beside: Bool) throws {
        try write("\"\(text(keys[0]))\"", "\"Counter\": 5" + (beside ? ", \"State\": \"state.json\"" : ""))
        let running = try load()
        try running.counterFile.claim(running.signers)
        try running.counterFile.store(6, for: 0, of: running.signers)
        _ = try SignerEditor(path).change(adding: keys[1], removing: nil)
        try running.counterFile.store(7, for: 0, of: running.signers)
        #expect(try load().signers.map { $0.counter } == [7, 0])
        let restarted = try load()
        try restarted.counterFile.claim(restarted.signers)
        try restarted.counterFile.store(1, for: 1, of: restarted.signers)
        try restarted.counterFile.store(8, for: 0, of: restarted.signers)
        #expect(try load().signers.map { $0.counter } == [8, 1])
        #expect(try restarted.counterFile.store(8, for: 0, of: restarted.signers) == .notAbove(8))
    }

    @Test func whatCouldNotBeReadAgainIsNotWritten() throws {
        let note = String(repeating: "[0,0,0,0,0,0,0,0],", count: 40000).dropLast()
        try write("\"\(text(keys[0]))\"", "\"Long\": [\(note)]")
        let before = try directory.snapshot()
        let error = #expect(throws: StateError.self) { try SignerEditor(path).change(adding: keys[1], removing: nil) }
        #expect(error?.exitCode == .cannotCreate)
        #expect(try directory.snapshot() == before)
    }

    /// The key may stand in the configuration in another form than in the file beside it.
    @Test func formsOfAKeyAreOneKey() throws {
        let rsa = try SoftwareSigner(generating: .rsa(bits: 2048)).publicKey
        // PKCS#1: what the BIT STRING of PKIX holds, after 24 bytes.
        let old = Base64.encode(Array(rsa.pkix.dropFirst(24)))
        try write("\"\(old)\"", "\"Counter\": 5, \"State\": \"state.json\"")
        try directory.write("state.json", "{\"Counter\": 6}")
        _ = try SignerEditor(path).change(adding: keys[0], removing: nil)
        #expect(try counters("state.json") == ["": 6])
        #expect(try load().signers.map { $0.counter } == [6, 0])
        #expect(isRefused(adding: rsa, removing: nil))
    }
}

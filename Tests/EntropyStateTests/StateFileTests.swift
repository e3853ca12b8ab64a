import Foundation
import Platform
import Support
import Testing

@testable import EntropyState

/// A file that somebody else changes while it is being changed here.
@Suite struct StateFileTests {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        try directory.write("f", "one")
    }

    /// What an editor does to a file, with this text.
    enum Editor: CaseIterable {
        case replacing, inPlace

        func save(_ text: String, to path: String) throws {
            try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: self == .replacing ? .atomic : [])
        }
    }

    func replace(_ file: StateFile, _ text: String) throws -> Bool { try file.replace(with: Array(text.utf8)) }

    @Test(arguments: Editor.allCases) func whatAnEditorSavedMeanwhileStays(_ editor: Editor) throws {
        let file = try StateFile(locking: directory.file("f"))
        for text in ["two", "a longer one", "", "1"] {
            _ = try file.read(limit: 100)
            try editor.save(text, to: directory.file("f"))
            #expect(try !replace(file, "ours"))
            #expect(try directory.text("f") == text)
        }
        _ = try file.read(limit: 100)
        #expect(try replace(file, "ours"))
        #expect(try directory.text("f") == "ours")
    }

    @Test func whatWasRemovedMeanwhileIsNotBroughtBack() throws {
        let file = try StateFile(locking: directory.file("f"))
        _ = try file.read(limit: 100)
        try directory.remove("f")
        #expect(try !replace(file, "ours"))
        #expect(throws: SystemError.self) { try file.read(limit: 100) }
    }

    @Test func whatWasMadeMeanwhileIsNotReplaced() throws {
        let file = try StateFile(locking: directory.file("g"))
        #expect(throws: SystemError.self) { try file.read(limit: 100) }
        try directory.write("g", "theirs")
        #expect(try !replace(file, "ours"))
        #expect(try directory.text("g") == "theirs")
        _ = try file.read(limit: 100)
        #expect(try replace(file, "ours"))
    }

    @Test func whatWasNotReadIsReplaced() throws {
        #expect(try replace(try StateFile(locking: directory.file("f")), "ours"))
        #expect(try directory.snapshot() == ["f": Data("ours".utf8)])
    }

    @Test func nothingIsLeftBeside() throws {
        try directory.write(".f.new", "half")
        try directory.write(".f.lock", "")
        do {
            let file = try StateFile(locking: directory.file("f"))
            _ = try file.read(limit: 100)
            try directory.write("f", "two")
            #expect(try !replace(file, "ours"))
        }
        #expect(try directory.snapshot() == ["f": Data("two".utf8)])
    }

    /// Half a file is no error while an editor is writing the rest.
    @Test func halfAListIsWaitedFor() throws {
        try directory.write("targets.json", "[")
        let path = directory.file("targets.json")
        var looks = 0
        let targets = try StateFile.patiently { () throws(StateError) in
            looks += 1
            if looks == 3 { try? Editor.inPlace.save("[]", to: path) }
            return try TargetList(path).read(try StateFile.contents(of: path, limit: 100))
        }
        #expect(targets.isEmpty && looks == 3)
    }

    /// Two of us and an editor, each adding a line of their own again and again: none is lost.
    @Test func nobodysWorkIsLost() async throws {
        let path = directory.file("lines")
        try directory.write("lines", "[]")
        let rounds = 100
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["a", "b"] {
                group.addTask {
                    for number in 0..<rounds {
                        try StateFile.change(path, limit: 1 << 20) { (bytes) throws(StateError) in
                            let document = try JSONDocument(parsing: bytes ?? [], file: path)
                            document.value.appendObject().set("Line", "\(name)\(number)")
                            return Change(contents: document.encode(), result: ())
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        // The editor takes its turn between a look and its replacing, where it has always hurt most.
        for number in 0..<rounds {
            try StateFile.change(path, limit: 1 << 20) { (bytes) throws(StateError) in
                let text = String(decoding: bytes ?? [], as: UTF8.self)
                if !text.contains("\"c\(number)\"") {
                    let edited = text.replacingOccurrences(of: "\n]", with: ",\n{\"Line\": \"c\(number)\"}\n]")
                    try? (number % 2 == 0 ? Editor.inPlace : .replacing).save(edited, to: path)
                }
                let document = try JSONDocument(parsing: bytes ?? [], file: path)
                document.value.appendObject().set("Line", "d\(number)")
                return Change(contents: document.encode(), result: ())
            }
        }
        let parsed = try JSONSerialization.jsonObject(with: Data(directory.read("lines"))) as? [[String: String]]
        let lines = Set(try #require(parsed).compactMap { $0["Line"] })
        #expect(parsed?.count == 4 * rounds)
        for name in ["a", "b", "c", "d"] {
            for number in 0..<rounds { #expect(lines.contains("\(name)\(number)")) }
        }
    }
}

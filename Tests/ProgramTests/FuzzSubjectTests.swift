import Support
import Testing

/// The fuzzers' subjects with what they start from, without libFuzzer.
@Suite struct FuzzSubjectTests {
    @Test(.enabled(if: OriginalTests.hasPeer && haveTools("openssl"), "openssl or python3-nacl is not installed"))
    func everySubjectTakesItsSeeds() throws {
        let directory = try TemporaryDirectory()
        let script = packageRoot.appendingPathComponent("Tests/Fuzz/make_seeds.py").path
        let made = try run(["/usr/bin/python3", script, directory.file("seeds")])
        #expect(made.status == 0, "\(made.errors)")
        let fuzz = Build.host.command("fuzz")
        let subjects = try run(fuzz).text.split(separator: "\n").map(String.init)
        #expect(subjects.count > 10)
        for subject in subjects {
            let replayed = try run(fuzz + [subject, directory.file("seeds/\(subject)")])
            #expect(replayed.status == 0, "\(replayed.errors)")
            #expect(
                replayed.text.hasSuffix("no finding\n") && !replayed.text.contains(" 0 accepted"), "\(replayed.text)")
        }
        // What is no subject, and what is no file.
        #expect(try run(fuzz + ["nothing", script]).status == 64)
        #expect(try run(fuzz + ["der", directory.file("missing")]).status == 66)
    }
}

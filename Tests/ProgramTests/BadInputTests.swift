import Foundation
import Support
import Testing

/// Bad input, and what it gets: one line that names the file and what was expected, an exit code, and every file as it was.
@Suite(.enabled(if: haveTools("openssl", "qemu-arm-static"), "openssl or qemu-arm-static is not installed"))
struct BadInputTests {
    @Test(arguments: Build.available) func signingKeys(_ build: Build) throws {
        let place = try goodPlace(build)
        let key = try place.directory.read("signer.key")
        for bytes in [
            [], Array(key.prefix(500)), key + [0],
            Array("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n".utf8),
            try place.directory.read("signer.pub"),
        ] {
            try place.directory.write("bad.key", bytes)
            try refused(place, 65, ["bad.key"], "entropy-source", "--once", "-k", "bad.key")
            try refused(place, 65, ["bad.key"], "rsagen", "--key", "bad.key", "-o", "new")
        }
        try refused(place, 66, ["none.key"], "entropy-source", "--once", "-k", "none.key")
        try refused(place, 66, ["none.key"], "rsagen", "--key", "none.key", "-o", "new")
        try refused(place, 65, ["."], "entropy-source", "--once", "-k", ".")
        for (name, arguments) in [
            ("ec.key", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("ed.key", ["-algorithm", "ED25519"]),
        ] {
            #expect(
                try run(["openssl", "genpkey", "-quiet", "-out", place.directory.file(name)] + arguments).status == 0)
            try refused(place, 65, [name], "entropy-source", "--once", "-k", name)
        }
    }

    @Test(arguments: Build.available) func keysOfSinksAndSigners(_ build: Build) throws {
        let place = try goodPlace(build)
        try place.directory.write("short", [UInt8](repeating: 1, count: 31))
        try place.directory.write("empty", "")
        try refused(place, 65, ["short"], "entropy-config", "-k", "short")
        try refused(place, 65, ["short"], "entropy-target", "-a", "h:1", "-k", "short")
        try refused(place, 65, ["empty"], "entropy-config", "-k", "empty")
        try refused(place, 65, ["signer.pub"], "entropy-target", "-a", "h:1", "-k", "signer.pub")
        try refused(place, 66, ["none"], "entropy-target", "-a", "h:1", "-k", "none")
        try refused(place, 66, ["none"], "entropy-config", "-s", "none")
        try refused(place, 65, ["empty"], "entropy-config", "-s", "empty")
        try refused(place, 65, ["decrypt.pub"], "entropy-config", "-s", "decrypt.pub")
        try place.directory.write("zero.pub", [UInt8](repeating: 0, count: 32))
        try refused(place, 65, ["zero.pub"], "entropy-target", "-a", "h:1", "-k", "zero.pub")
        let made = try run(
            [
                "openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-outpubkey",
                "ec.pub",
                "-out", "ec.key",
            ], in: place.directory.path)
        if made.status == 0 { try refused(place, 65, ["ec.pub", "P-256"], "entropy-config", "-s", "ec.pub") }
    }

    @Test(arguments: Build.available) func listsOfTargets(_ build: Build) throws {
        let place = try goodPlace(build)
        let key = try place.directory.read("decrypt.pub").withUnsafeBytes { Data($0).base64EncodedString() }
        let good = "{\"Address\": \"h:1\", \"Public\": \"\(key)\"}"
        // Each with the entry and the member that must be named.
        for (text, things) in [
            ("", []), ("nonsense", []), ("[", []), ("{}", []), ("[\(good), 7]", ["2"]),
            ("[{\"Public\": \"\(key)\"}]", ["1", "Address"]), ("[{\"Address\": \"h:1\"}]", ["1", "Public"]),
            ("[\(good), {\"Address\": \"h:1\"}]", ["2", "Public"]),
            ("[{\"Address\": \"h\", \"Public\": \"\(key)\"}]", ["1", "Address"]),
            ("[{\"Address\": \"h:65536\", \"Public\": \"\(key)\"}]", ["1", "Address"]),
            ("[{\"Address\": \"h:1\", \"Public\": \"?\"}]", ["1", "Public"]),
            ("[{\"Address\": \"h:1\", \"Public\": \"AAAA\"}]", ["1", "Public"]),
            ("[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Counter\": \"7\"}]", ["1", "Counter"]),
            ("[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Next\": 9223372036854775808}]", ["1", "Next"]),
            ("[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Next\": 99999999999999999999}]", []),
        ] as [(String, [String])] {
            try place.directory.write("bad.json", text)
            let before = try place.directory.text("bad.json")
            let finished = try place.run("entropy-source", "--once", "-t", "bad.json")
            #expect(finished.status == 65, "\(text): \(finished.errors)")
            for thing in ["bad.json"] + things {
                #expect(finished.errorLines.last?.names(thing) == true, "\(text): \(finished.errors)")
            }
            #expect(try place.directory.text("bad.json") == before)
            if text != "" {
                try refused(place, 65, ["bad.json"] + things, "entropy-target", "-a", "n:1", "--append", "bad.json")
            }
        }
        #expect(try place.run("entropy-source", "--once", "-t", "none.json").status == 66)
    }

    @Test func configurationsOfSinks() throws {
        let place = try goodPlace(.host)
        let good = try place.directory.text("config.json")
        for (text, member) in [
            ("", nil), ("[]", nil), ("{}", "Address"),
            (good.replacingOccurrences(of: "127.0.0.1:0", with: "127.0.0.1"), "Address"),
            (good.replacingOccurrences(of: "127.0.0.1:0", with: ":70000"), "Address"),
            (good.replacingOccurrences(of: "\"Counter\": 0", with: "\"Counter\": \"0\""), "Counter"),
            (good.replacingOccurrences(of: "\"Drift\": 86400", with: "\"Drift\": -1"), "Drift"),
            (good.replacingOccurrences(of: "\"Private\": \"", with: "\"Private\": \"AAAA"), "Private"),
            (good.replacingOccurrences(of: "\"Signer\": \"", with: "\"Signer\": \"AAAA"), "Signer"),
        ] as [(String, String?)] {
            try place.directory.write("bad.json", text)
            for arguments in [["--check"], ["--pool", "pool"]] {
                let finished = try place.start("entropy-sink", ["-f", "bad.json"] + arguments).wait()
                #expect(finished.status == 65, "\(text)")
                #expect(finished.errorLines.count == 1)
                #expect(finished.errors.names("bad.json"), "\(finished.errors)")
                if let member { #expect(finished.errors.names(member), "\(text): \(finished.errors)") }
            }
            #expect(try place.directory.text("bad.json") == text)
        }
        try refused(place, 66, ["none.json"], "entropy-sink", "-f", "none.json")
        try refused(place, 66, ["none/pool"], "entropy-sink", "--pool", "none/pool")
        try refused(place, 65, ["."], "entropy-sink", "--pool", ".")
        for path in ["/dev/null", "/dev/full"] {
            try refused(place, 65, [path], "entropy-sink", "--pool", path)
        }
        // Of another sink, with counters of its own.
        let elsewhere = try goodPlace(.host)
        try elsewhere.directory.write("pool", "")
        let other = try RunningSink(elsewhere)
        try place.edit("config.json") { $0["Address"] = "127.0.0.1:\(other.port)" }
        try refused(place, 69, ["127.0.0.1:\(other.port)"], "entropy-sink", "--pool", "pool")
        try place.edit("config.json") { $0["Address"] = "no.such.host.invalid:4141" }
        try refused(place, 69, ["no.such.host.invalid:4141"], "entropy-sink", "--pool", "pool")
    }

    @Test(arguments: Build.available) func halvesOfKeysThatAreSwapped(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(place, 65, ["decrypt.key"], "entropy-target", "-a", "h:1", "-k", "decrypt.key")
        try refused(place, 65, ["decrypt.pub"], "entropy-config", "-k", "decrypt.pub")
        try refused(place, 64, ["--bits", "--key"], "rsagen", "--key", "signer.key", "-s", "2048", "-o", "n")
    }

    @Test(arguments: Build.available) func wrongUsage(_ build: Build) throws {
        let place = try goodPlace(build)
        for (program, arguments) in [
            ("rsagen", ["--bogus"]), ("rsagen", ["-s", "1024"]), ("rsagen", ["-s", "many"]),
            ("rsagen", ["--algorithm", "dsa"]),
            ("rsagen", ["--algorithm", "ecdsa", "-s", "3072"]), ("rsagen", ["-o", ""]), ("rsagen", ["-o"]),
            ("rsagen", ["x"]),
            ("curve25519gen", ["-z"]), ("curve25519gen", ["-o", ""]), ("entropy-target", []),
            ("entropy-target", ["-a", "h"]),
            ("entropy-target", ["-a", "h:0"]),
            ("entropy-config", ["-a", "4141"]), ("entropy-config", ["-d", "-1"]),
            ("entropy-source", ["--scan", "soon"]),
            ("entropy-source", ["--once=1"]), ("entropy-sink", ["-f"]), ("entropy-sink", ["file"]),
        ] {
            let finished = try place.start(program, arguments).wait()
            #expect(finished.status == 64, "\(program) \(arguments): \(finished.errors)")
            #expect(finished.errorLines.count == 1)
            #expect(finished.errors.names("--help"))
            #expect(finished.output.isEmpty)
        }
        for program in [
            "rsagen", "curve25519gen", "entropy-target", "entropy-config", "entropy-source", "entropy-sink",
        ] {
            let help = try place.run(program, "--help")
            #expect(help.status == 0 && help.errors.isEmpty)
            #expect(help.text.hasPrefix("usage: \(program) [OPTION]...\n"))
            #expect(try place.run(program, "--version").text.hasPrefix("\(program) "))
            // A full disk is no success.
            let command = build.command(program).map { "'\($0)'" }.joined(separator: " ") + " --help > /dev/full"
            #expect(try run(["sh", "-c", command]).status == 73)
        }
    }
}

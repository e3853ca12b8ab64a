import Foundation
import Support
import Testing

/// Bad input, and what it gets: one line that names the file and what was expected, an exit code, and every file as it was.
@Suite(.enabled(if: haveTools("openssl", "qemu-arm-static"), "openssl or qemu-arm-static is not installed"))
struct BadInputTests {
    @Test(arguments: Build.available) func signingKeys(_ build: Build) throws {
        let place = try goodPlace(build)
        let key = try place.directory.read("signer.key")
        for (bytes, words) in [
            ([], "not a private key"), (Array(key.prefix(500)), "not a private key"), (key + [0], "not a private key"),
            (Array("-----BEGIN TSS2 PRIVATE KEY-----\nMAA=\n-----END TSS2 PRIVATE KEY-----\n".utf8), "damaged"),
            (try place.directory.read("signer.pub"), "not a private key"),
        ] as [([UInt8], String)] {
            try place.directory.write("bad.key", bytes)
            try refused(place, 65, ["bad.key: ", words], "entropy-source", "--once", "-k", "bad.key")
            try refused(place, 65, ["bad.key: ", words], "rsagen", "--key", "bad.key", "-o", "new")
        }
        try refused(place, 66, ["none.key: cannot open: No such file"], "entropy-source", "--once", "-k", "none.key")
        try refused(place, 66, ["none.key: cannot open: No such file"], "rsagen", "--key", "none.key", "-o", "new")
        try refused(place, 65, [".: cannot read: Is a directory"], "entropy-source", "--once", "-k", ".")
        for (name, arguments) in [
            ("ec.key", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
            ("ed.key", ["-algorithm", "ED25519"]),
        ] {
            #expect(
                try run(["openssl", "genpkey", "-quiet", "-out", place.directory.file(name)] + arguments).status == 0)
            try refused(place, 65, ["\(name): ", "this one is"], "entropy-source", "--once", "-k", name)
        }
    }

    @Test(arguments: Build.available) func keysOfSinksAndSigners(_ build: Build) throws {
        let place = try goodPlace(build)
        try place.directory.write("short", [UInt8](repeating: 1, count: 31))
        try place.directory.write("empty", "")
        try refused(place, 65, ["short: ", "has 32 bytes, this one has 31"], "entropy-config", "-k", "short")
        try refused(
            place, 65, ["short: ", "has 32 bytes, this one has 31"], "entropy-target", "-a", "h:1", "-k", "short")
        try refused(place, 65, ["empty: ", "this one has 0"], "entropy-config", "-k", "empty")
        try refused(place, 65, ["signer.pub: ", "has 32 bytes"], "entropy-target", "-a", "h:1", "-k", "signer.pub")
        try refused(place, 66, ["none: cannot open"], "entropy-target", "-a", "h:1", "-k", "none")
        try refused(place, 66, ["none: cannot open"], "entropy-config", "-s", "none")
        try refused(place, 65, ["empty: not a public key"], "entropy-config", "-s", "empty")
        try refused(place, 65, ["decrypt.pub: not a public key"], "entropy-config", "-s", "decrypt.pub")
        try place.directory.write("zero.pub", [UInt8](repeating: 0, count: 32))
        try refused(place, 65, ["zero.pub: ", "small order"], "entropy-target", "-a", "h:1", "-k", "zero.pub")
        let made = try run(
            [
                "openssl", "genpkey", "-quiet", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-outpubkey",
                "ec.pub",
                "-out", "ec.key",
            ], in: place.directory.path)
        if made.status == 0 { try refused(place, 65, ["ec.pub: ", "P-256"], "entropy-config", "-s", "ec.pub") }
    }

    @Test(arguments: Build.available) func listsOfTargets(_ build: Build) throws {
        let place = try goodPlace(build)
        let key = try place.directory.read("decrypt.pub").withUnsafeBytes { Data($0).base64EncodedString() }
        let good = "{\"Address\": \"h:1\", \"Public\": \"\(key)\"}"
        for (text, words) in [
            ("", "the file is empty"), ("nonsense", "not JSON"), ("[", "unexpected end of data, line 1"),
            ("{}", "expected an array"),
            ("[\(good), 7]", "entry 2: expected an object"),
            ("[{\"Public\": \"\(key)\"}]", "entry 1, Address: expected a value"),
            ("[{\"Address\": \"h:1\"}]", "entry 1, Public: expected a value"),
            (
                "[{\"Address\": \"h\", \"Public\": \"\(key)\"}]",
                "entry 1, Address: expected host:port, but it has no port"
            ),
            (
                "[{\"Address\": \"h:65536\", \"Public\": \"\(key)\"}]",
                "entry 1, Address: expected a port from 1 to 65535"
            ),
            ("[{\"Address\": \"h:1\", \"Public\": \"?\"}]", "entry 1, Public: expected standard base64"),
            ("[{\"Address\": \"h:1\", \"Public\": \"AAAA\"}]", "entry 1, Public: expected 32 bytes"),
            (
                "[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Counter\": \"7\"}]",
                "entry 1, Counter: expected an integer"
            ),
            (
                "[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Next\": 9223372036854775808}]",
                "entry 1, Next: expected an integer"
            ),
            (
                "[{\"Address\": \"h:1\", \"Public\": \"\(key)\", \"Next\": 99999999999999999999}]",
                "not JSON: an integer is beyond 64 bits"
            ),
        ] {
            try place.directory.write("bad.json", text)
            let before = try place.directory.text("bad.json")
            let finished = try place.run("entropy-source", "--once", "-t", "bad.json")
            #expect(finished.status == 65, "\(text): \(finished.errors)")
            #expect(finished.errorLines.last?.hasPrefix("entropy-source: [software only] bad.json: ") == true)
            #expect(finished.errorLines.last?.contains(words) == true, "\(text): \(finished.errors)")
            #expect(try place.directory.text("bad.json") == before)
            if text != "" {
                try refused(place, 65, ["bad.json: ", words], "entropy-target", "-a", "n:1", "--append", "bad.json")
            }
        }
        #expect(try place.run("entropy-source", "--once", "-t", "none.json").status == 66)
    }

    @Test func configurationsOfSinks() throws {
        let place = try goodPlace(.host)
        let good = try place.directory.text("config.json")
        for (text, words) in [
            ("", "the file is empty"), ("[]", "expected an object"), ("{}", "Address: expected a value"),
            (good.replacingOccurrences(of: "127.0.0.1:0", with: "127.0.0.1"), "Address: expected host:port"),
            (good.replacingOccurrences(of: "127.0.0.1:0", with: ":70000"), "Address: expected a port"),
            (
                good.replacingOccurrences(of: "\"Counter\": 0", with: "\"Counter\": \"0\""),
                "Counter: expected an integer"
            ),
            (good.replacingOccurrences(of: "\"Drift\": 120", with: "\"Drift\": -1"), "Drift: expected seconds"),
            (
                good.replacingOccurrences(of: "\"Private\": \"", with: "\"Private\": \"AAAA"),
                "Private: expected 32 bytes"
            ),
            (
                good.replacingOccurrences(of: "\"Signer\": \"", with: "\"Signer\": \"AAAA"),
                "Signer: expected a PKIX public key"
            ),
        ] {
            try place.directory.write("bad.json", text)
            for arguments in [["--check"], ["--pool", "pool"]] {
                let finished = try place.start("entropy-sink", ["-f", "bad.json"] + arguments).wait()
                #expect(finished.status == 65, "\(words)")
                #expect(
                    finished.errorLines
                        == finished.errorLines.filter { $0.contains("bad.json: ") && $0.contains(words) })
                #expect(finished.errorLines.count == 1)
            }
            #expect(try place.directory.text("bad.json") == text)
        }
        try refused(place, 66, ["none.json: cannot open"], "entropy-sink", "-f", "none.json")
        try refused(place, 66, ["none/pool: cannot open: No such file"], "entropy-sink", "--pool", "none/pool")
        try refused(place, 65, [".: cannot open: Is a directory"], "entropy-sink", "--pool", ".")
        for path in ["/dev/null", "/dev/full"] {
            try refused(
                place, 65, ["\(path): cannot mix into (a random device or a regular file is expected)"], "entropy-sink",
                "--pool", path)
        }
        // Of another sink, with counters of its own.
        let elsewhere = try goodPlace(.host)
        try elsewhere.directory.write("pool", "")
        let other = try RunningSink(elsewhere)
        try place.edit("config.json") { $0["Address"] = "127.0.0.1:\(other.port)" }
        try refused(
            place, 69, ["cannot listen on 127.0.0.1:\(other.port): Address already in use"], "entropy-sink", "--pool",
            "pool")
        try place.edit("config.json") { $0["Address"] = "no.such.host.invalid:4141" }
        try refused(
            place, 69, ["cannot listen on no.such.host.invalid:4141: its host cannot be resolved"], "entropy-sink",
            "--pool", "pool")
    }

    @Test(arguments: Build.available) func halvesOfKeysThatAreSwapped(_ build: Build) throws {
        let place = try goodPlace(build)
        try refused(
            place, 65, ["decrypt.key: the name is a private key's"], "entropy-target", "-a", "h:1", "-k", "decrypt.key")
        try refused(place, 65, ["decrypt.pub: the name is a public key's"], "entropy-config", "-k", "decrypt.pub")
        try refused(
            place, 64, ["--bits does not go with --key"], "rsagen", "--key", "signer.key", "-s", "2048", "-o", "n")
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
            #expect(finished.errors.contains("see --help"))
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

import EntropyCrypto
import EntropyPacket
import Foundation
import Support
import Testing

/// Every kind of key, by programs that we did not write: does tpm2-openssl read ours, do we read theirs, do openssl and the
/// TPM itself verify what our source signs. Prints the table.
@Suite(.enabled(if: haveTools("swtpm", "openssl", "tpm2_create", "qemu-arm-static"), "a tool is not installed"))
struct OutsideChecksTests {
    /// Where a key is kept, and whether it has a password.
    enum Keeping: String, CaseIterable {
        case file, password, handle
    }

    struct Algorithm: CustomTestStringConvertible {
        let name: String
        let rsagen: [String]
        let genpkey: [String]
        let tpm2Create: String

        var testDescription: String { name }
        var isRSA: Bool { name != "P-256" }
    }

    static let algorithms = [
        Algorithm(
            name: "RSA-2048", rsagen: ["-s", "2048"], genpkey: ["-algorithm", "RSA", "-pkeyopt", "bits:2048"],
            tpm2Create: "rsa2048:rsapss-sha256:null"),
        Algorithm(
            name: "RSA-3072", rsagen: ["-s", "3072"], genpkey: ["-algorithm", "RSA", "-pkeyopt", "bits:3072"],
            tpm2Create: "rsa3072:rsapss-sha256:null"),
        Algorithm(
            name: "P-256", rsagen: ["--algorithm", "ecdsa"], genpkey: ["-algorithm", "EC", "-pkeyopt", "group:P-256"],
            tpm2Create: "ecc256:ecdsa-sha256:null"),
    ]

    static let password = "0123456789abcdef0123456789abcdef"

    /// A source with one target, which keeps what it gets.
    final class Bench {
        let tpm: SoftwareTPM
        let place: Workplace
        let catcher: PacketCatcher
        let sink: BoxPrivateKey

        init(_ build: Build) throws {
            tpm = try SoftwareTPM()
            place = try Workplace(build, tpm: tpm)
            catcher = try PacketCatcher()
            try place.run("curve25519gen")
            try place.run("entropy-target", "-a", "127.0.0.1:\(catcher.port)", "--append", "targets.json")
            var secret = try place.directory.read("decrypt.key")
            sink = try BoxPrivateKey(moving: &secret)
            try place.directory.write("auth", password + "\n")
        }

        func openssl(_ arguments: [String]) throws -> Finished {
            try run(
                ["openssl"] + arguments, in: place.directory.path, environment: tpm.environment)
        }

        /// Has the source send a packet signed by `key`; leaves message and signature as files.
        func send(_ key: String, _ keeping: Keeping) throws {
            let before = catcher.frames.count
            let auth = keeping == .password ? ["--auth-file", "auth"] : []
            let sent = try place.start("entropy-source", ["--once", "-k", key] + auth).wait()
            #expect(sent.status == 0, "\(key): \(sent.errors)")
            guard eventually({ catcher.frames.count > before }), let frame = catcher.frames.last else { return }
            let signed = try Envelope.open(frame, with: sink).message
            try place.directory.write("message", signed.message)
            try place.directory.write("signature", signed.signature)
            try place.edit("targets.json") { $0.merge(["Next": 0, "Receipts": false]) { $1 } }
        }

        /// What `openssl dgst -verify` says of the packet that was sent last.
        func opensslVerifies(_ isRSA: Bool) throws -> Bool {
            let pss = isRSA ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"] : []
            return try openssl(
                ["dgst", "-sha256", "-verify", "key.pem"] + pss + ["-signature", "signature", "message"]
            ).text == "Verified OK\n"
        }

        /// What the TPM says of it, by tpm2-tools.
        func tpmVerifies(_ isRSA: Bool) throws -> Bool {
            let key = isRSA ? ["-u", try externalKey()] : ["-G", "ecc", "-u", "key.pem"]
            try tpm.tools(["tpm2_loadexternal", "-C", "n", "-c", "x.ctx", "-Q"] + key, in: place.directory)
            let verified = try run(
                [
                    "tpm2_verifysignature", "-c", "x.ctx", "-g", "sha256", "-m", "message", "-s", "signature", "-f",
                    isRSA ? "rsapss" : "ecdsa",
                ], in: place.directory.path, environment: tpm.environment)
            _ = try tpm.tool("tpm2_flushcontext", "-t")
            return verified.status == 0
        }

        /// key.pem as a TPM2B_PUBLIC, since tpm2_loadexternal 5.4 takes no PEM of RSA-3072. Returns the file's name.
        private func externalKey() throws -> String {
            let text = try openssl(["rsa", "-pubin", "-in", "key.pem", "-noout", "-modulus"]).text
            let digits = Array((text.split(separator: "=").last ?? "").filter { $0.isHexDigit })
            let modulus = stride(from: 0, to: digits.count, by: 2).compactMap {
                UInt8(String(digits[$0..<($0 + 2)]), radix: 16)
            }
            func number(_ value: Int) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }
            // Type RSA, nameAlg SHA-256, userWithAuth and sign, no policy, no symmetric algorithm, RSAPSS with SHA-256.
            let area: [UInt8] =
                [0x00, 0x01, 0x00, 0x0b, 0x00, 0x04, 0x00, 0x40, 0x00, 0x00, 0x00, 0x10, 0x00, 0x16, 0x00, 0x0b]
                + number(modulus.count * 8) + [0, 0, 0, 0] + number(modulus.count) + modulus
            try place.directory.write("key.tss", number(area.count) + area)
            return "key.tss"
        }

        /// Both, of a packet and of one in which a bit was changed.
        func verify(_ isRSA: Bool) throws -> (openssl: Bool, tpm: Bool) {
            let good = (try opensslVerifies(isRSA), try tpmVerifies(isRSA))
            var message = try place.directory.read("message")
            message[message.count - 1] ^= 1
            try place.directory.write("message", message)
            #expect(try !opensslVerifies(isRSA))
            #expect(try !tpmVerifies(isRSA))
            return good
        }
    }

    @Test(arguments: Build.available, algorithms) func everyKeyHasItsPeers(_ build: Build, _ algorithm: Algorithm)
        throws
    {
        let bench = try Bench(build)
        for (number, keeping) in Keeping.allCases.enumerated() {
            let handle = "0x8100001\(number)"
            // Ours, read and used by tpm2-openssl.
            let more =
                [Keeping.file: [], .password: ["--auth-file", "auth"], .handle: ["--persist", handle]][keeping] ?? []
            // A new one, not of the kind of the one before.
            try? bench.place.directory.remove("ours.key")
            let made = try bench.place.start("rsagen", algorithm.rsagen + more + ["-o", "ours", "--force"]).wait()
            #expect(made.status == 0, "\(made.errors)")
            let ours = keeping == .handle ? "handle:\(handle)" : "ours.key"
            let theyRead = try theyRead(bench, ours, keeping, algorithm)
            try bench.place.directory.write(
                "key.pem", try PublicKey(bench.place.directory.read("ours.pub")).file(pem: true))
            try bench.send(ours, keeping)
            let verified = try bench.verify(algorithm.isRSA)
            // Theirs, used by us.
            let theirs = try makeTheirs(bench, keeping, algorithm, "0x8100002\(number)")
            try bench.send(theirs, keeping)
            let weRead = try bench.verify(algorithm.isRSA)
            let row = [theyRead, weRead.openssl, verified.openssl, verified.tpm && weRead.tpm]
            #expect(row.allSatisfy { $0 })
            let cells = zip(
                ["tpm2-openssl reads ours", "we read theirs", "openssl verifies", "tpm2_verifysignature"], row
            ).map { "\($0): \($1 ? "yes" : "NO")" }.joined(separator: " | ")
            print("| \(build.rawValue) | \(algorithm.name), \(keeping.rawValue) | \(cells) |")
        }
        #expect(try bench.tpm.leftovers() == "")
        #expect(try bench.tpm.tool("tpm2_getcap", "properties-variable").text.contains("LOCKOUT_COUNTER: 0x0"))
    }

    /// OpenSSL's TPM provider finds the same public key, and signs with it what our public key verifies.
    func theyRead(_ bench: Bench, _ key: String, _ keeping: Keeping, _ algorithm: Algorithm) throws -> Bool {
        let provider = ["-provider", "tpm2", "-provider", "default"]
        let pass = keeping == .password ? ["-passin", "pass:\(OutsideChecksTests.password)"] : []
        let exported = try bench.openssl(["pkey"] + provider + ["-in", key, "-pubout", "-outform", "DER"] + pass)
        let directory = bench.place.directory
        let isSame = try Array(exported.output) == directory.read("ours.pub")
        try directory.write("m", "a message")
        let pss = algorithm.isRSA ? ["-sigopt", "rsa_padding_mode:pss"] : []
        let signed = try bench.openssl(
            ["dgst"] + provider + ["-propquery", "?provider=tpm2", "-sha256", "-sign", key, "-out", "s"] + pass + pss
                + ["m"])
        #expect(exported.status == 0 && signed.status == 0, "\(exported.errors)\(signed.errors)")
        let signature = try directory.read("s")
        let isTheirs = try PublicKey(directory.read("ours.pub")).verify(signature, of: Array("a message".utf8))
        return isSame && isTheirs
    }

    /// A key by tpm2-openssl in a file, or by tpm2-tools at a handle; leaves its public half as key.pem.
    func makeTheirs(_ bench: Bench, _ keeping: Keeping, _ algorithm: Algorithm, _ handle: String) throws -> String {
        let directory = bench.place.directory
        if keeping == .handle {
            try bench.tpm.createPrimary("p.ctx", in: directory)
            try bench.tpm.tools(
                [
                    "tpm2_create", "-C", "p.ctx", "-G", algorithm.tpm2Create, "-u", "u", "-r", "r", "-Q", "-a",
                    "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign",
                ], in: directory)
            try bench.tpm.tools(["tpm2_load", "-C", "p.ctx", "-u", "u", "-r", "r", "-c", "k.ctx", "-Q"], in: directory)
            try bench.tpm.tools(["tpm2_evictcontrol", "-C", "o", "-c", "k.ctx", handle, "-Q"], in: directory)
            try bench.tpm.tools(["tpm2_readpublic", "-c", handle, "-f", "pem", "-o", "key.pem", "-Q"], in: directory)
            return "handle:\(handle)"
        }
        let auth = keeping == .password ? ["-pkeyopt", "user-auth:\(OutsideChecksTests.password)"] : []
        let made = try bench.openssl(
            ["genpkey", "-provider", "tpm2", "-provider", "default", "-out", "theirs.key"] + algorithm.genpkey + auth)
        #expect(made.status == 0, "\(made.errors)")
        let pass = keeping == .password ? ["-passin", "pass:\(OutsideChecksTests.password)"] : []
        let exported = try bench.openssl(
            ["pkey", "-provider", "tpm2", "-provider", "default", "-in", "theirs.key", "-pubout", "-out", "key.pem"]
                + pass)
        #expect(exported.status == 0, "\(exported.errors)")
        return "theirs.key"
    }

    /// tpm2_encodeobject 5.4 says of a key without password that it has one, and of one with that it has none.
    @Test(arguments: Build.available) func keyFilesOfTpm2ToolsSignHere(_ build: Build) throws {
        let bench = try Bench(build)
        let directory = bench.place.directory
        for (keeping, auth) in [(Keeping.file, []), (.password, ["-p", OutsideChecksTests.password])] {
            try bench.tpm.createPrimary("p.ctx", in: directory)
            try bench.tpm.tools(
                [
                    "tpm2_create", "-C", "p.ctx", "-G", "rsa2048:rsapss-sha256:null", "-u", "u", "-r", "r", "-Q", "-a",
                    "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|sign",
                ] + auth, in: directory)
            try bench.tpm.tools(
                ["tpm2_load", "-C", "p.ctx", "-u", "u", "-r", "r", "-c", "k.ctx", "-Q"], in: directory)
            try bench.tpm.tools(["tpm2_readpublic", "-c", "k.ctx", "-f", "pem", "-o", "key.pem", "-Q"], in: directory)
            try bench.tpm.tools(["tpm2_evictcontrol", "-C", "o", "-c", "p.ctx", "0x81000001", "-Q"], in: directory)
            try bench.tpm.tools(
                ["tpm2_encodeobject", "-C", "0x81000001", "-u", "u", "-r", "r", "-o", "tools.key"] + auth.prefix(1),
                in: directory)
            _ = try bench.tpm.tool("tpm2_flushcontext", "-l")  // it leaves a session behind
            try bench.send("tools.key", keeping)
            #expect(try bench.verify(true) == (true, true))
            try bench.tpm.tools(["tpm2_evictcontrol", "-C", "o", "-c", "0x81000001", "-Q"], in: directory)
        }
        #expect(try bench.tpm.leftovers() == "")
    }
}

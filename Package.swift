// swift-tools-version: 6.3
import PackageDescription

// Two worlds (docs/architecture.md). The core is compiled twice from the same files: as ordinary Swift on the
// host, and as Embedded Swift for the board by the SDK that provisioning/bbb/make-sdk.sh writes. The server
// world, EntropySink, is ordinary Swift only and knows nothing of the TPM.

let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

/// A library or program of the core: Embedded Swift's subset, typed throws, no Foundation.
func core(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, link libraries: [String] = []
) -> Target {
    .target(
        name: name, dependencies: dependencies, path: path, swiftSettings: strict,
        linkerSettings: libraries.map { .linkedLibrary($0) })
}

func program(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func test(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let package = Package(
    name: "entropyshare",
    products: [
        .executable(name: "entropy-source", targets: ["entropy-source"]),
        .executable(name: "entropy-sink", targets: ["entropy-sink"]),
        .executable(name: "entropy-target", targets: ["entropy-target"]),
        .executable(name: "entropy-config", targets: ["entropy-config"]),
        .executable(name: "rsagen", targets: ["rsagen"]),
        .executable(name: "curve25519gen", targets: ["curve25519gen"]),
        // For the benchmarks' own package, Tests/Benchmarks.
        .library(
            name: "EntropyCore",
            targets: ["EntropyPacket", "EntropyCrypto", "EntropyState", "Fortuna", "Platform", "CEvidence"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    ],
    targets: [
        // C libraries: a module map and a shim each, imported by exactly one Swift module.
        .target(name: "CPlatform"),
        .systemLibrary(name: "CSodium"),
        .systemLibrary(name: "COpenSSL"),
        .systemLibrary(name: "CJSON"),
        .systemLibrary(name: "CCurl"),
        .target(name: "CTSS2", path: "tpm/CTSS2"),

        // The core.
        core("Platform", ["CPlatform"], link: ["m"]),
        core("DER"),
        core("EntropyCrypto", ["Platform", "CSodium", "COpenSSL"], link: ["sodium", "crypto"]),
        core("EntropyPacket", ["EntropyCrypto", "DER"]),
        core("Health", ["Platform"]),
        core("Fortuna", ["EntropyCrypto", "Platform"]),
        core("EntropyState", ["EntropyPacket", "EntropyCrypto", "Platform", "CJSON"], link: ["json-c"]),
        core(
            "TPM", ["EntropyCrypto", "DER", "Platform", "CTSS2"], path: "tpm/TPM",
            link: ["tss2-esys", "tss2-sys", "tss2-mu", "tss2-rc", "tss2-tctildr"]),
        core("Provisioning", ["TPM", "EntropyState", "EntropyCrypto", "Platform"], path: "provisioning/Provisioning"),
        core(
            "EntropySource",
            ["EntropyState", "EntropyPacket", "EntropyCrypto", "Fortuna", "Health", "Platform", "CCurl"],
            link: ["curl"]),
        core("CommandLine", ["Platform"]),
        program("entropy-source", ["EntropySource", "EntropyState", "Provisioning", "CommandLine"]),
        program("entropy-target", ["EntropyState", "CommandLine"]),
        program("entropy-config", ["EntropyState", "CommandLine"]),
        program("curve25519gen", ["EntropyState", "CommandLine"]),
        program("rsagen", ["Provisioning", "CommandLine"], path: "provisioning/rsagen"),

        // The server world.
        .target(
            name: "EntropySink",
            dependencies: [
                "EntropyState", "EntropyPacket", "EntropyCrypto", "Health", "Platform",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ], swiftSettings: strict),
        program("entropy-sink", ["EntropySink", "CommandLine"]),

        // Tests: host only. Support has the peers: swtpm, the programs as programs, temporary files.
        .target(name: "Support", path: "Tests/Support", swiftSettings: strict),
        test("DERTests", ["DER", "Support", .product(name: "SwiftASN1", package: "swift-asn1")]),
        test("EntropyCryptoTests", ["EntropyCrypto", "Support"]),
        test("EntropyPacketTests", ["EntropyPacket", "Support"]),
        test(
            "EntropySourceTests",
            [
                "EntropySource", "EntropyState", "EntropyCrypto", "EntropyPacket", "Fortuna", "Health", "Platform",
                "Support",
            ]),
        test("HealthTests", ["Health", "Support"]),
        test("FortunaTests", ["Fortuna", "EntropyCrypto", "Platform", "Support"]),
        test("EntropyStateTests", ["EntropyState", "Support"]),
        test("TPMTests", ["TPM", "Provisioning", "EntropyCrypto", "DER", "Platform", "Support"]),
        test("ProvisioningTests", ["Provisioning", "TPM", "EntropyState", "EntropyCrypto", "Platform", "Support"]),
        test(
            "EntropySinkTests",
            [
                "EntropySink", "EntropyState", "EntropyPacket", "EntropyCrypto", "Platform", "Support",
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
        test(
            "ProgramTests",
            [
                "EntropyPacket", "EntropyCrypto", "Health", "CommandLine", "Support", "entropy-source", "entropy-sink",
                "entropy-target", "entropy-config", "curve25519gen", "rsagen", "fuzz", "evidence",
            ]),

        // The fuzzers (CONTRIBUTING.md): with every build of the tests, to replay; under libFuzzer by `make fuzz`.
        .target(name: "CLibFuzzer", path: "Tests/Fuzz/CLibFuzzer"),
        program(
            "fuzz",
            [
                "CLibFuzzer", "Provisioning", "TPM", "EntropySource", "EntropyState", "EntropyPacket", "EntropyCrypto",
                "DER",
                .product(name: "SwiftASN1", package: "swift-asn1"),
            ], path: "Tests/Fuzz/fuzz"),

        // Evidence of the generator and of the health tests, by `make evidence`: of the core, and nothing that is shipped.
        .target(name: "CEvidence", path: "Tests/Evidence/CEvidence"),
        program(
            "evidence", ["CEvidence", "Fortuna", "Health", "CommandLine", "Platform"],
            path: "Tests/Evidence/evidence"),
    ]
)

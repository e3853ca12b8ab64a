// swift-tools-version: 6.3
import PackageDescription

// Peers and loads of `make bench`. A package of its own, so that who builds the programs, or tests them, fetches and builds
// nothing of it.

let package = Package(
    name: "benchmarks",
    dependencies: [
        .package(name: "entropyshare", path: "../.."),
        .package(url: "https://github.com/google/swift-benchmark", from: "0.1.2"),
    ],
    targets: [
        // The same calls of OpenSSL and libsodium as ours, in bare loops.
        .target(name: "CBare", linkerSettings: [.linkedLibrary("crypto"), .linkedLibrary("sodium")]),
        // What a source asks of its TPM, by tpm2-tss alone.
        .executableTarget(
            name: "bare-esapi",
            linkerSettings: ["tss2-esys", "tss2-mu", "tss2-tctildr", "crypto"].map { .linkedLibrary($0) }),
        .executableTarget(
            name: "micro",
            dependencies: [
                "CBare", .product(name: "EntropyCore", package: "entropyshare"),
                .product(name: "Benchmark", package: "swift-benchmark"),
            ], swiftSettings: [.treatAllWarnings(as: .error)]),
        // Load for a sink: packets made beforehand, and who sends them.
        .executableTarget(
            name: "packets", dependencies: [.product(name: "EntropyCore", package: "entropyshare")],
            swiftSettings: [.treatAllWarnings(as: .error)]),
        .executableTarget(name: "storm"),
        // Thousands of sinks.
        .executableTarget(name: "crowd", linkerSettings: [.linkedLibrary("sodium")]),
    ]
)

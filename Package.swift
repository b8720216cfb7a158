// swift-tools-version: 6.2
import PackageDescription

/// Strictness that every Swift target shares. Warnings become errors in `scripts/test`, not here: SwiftPM refuses
/// packages with unsafe flags as dependencies, and a newer compiler's new warning must not break a user's build.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// One of our modules. Its folder has the short name; the target carries a prefix, because a target's name must be
/// unique in the package graph of everybody who depends on `QrateKit`.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: "Qrate" + name, dependencies: dependencies, path: "Sources/" + name, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: dependencies, path: "Tests/" + name + "Tests", swiftSettings: strict)
}

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

let package = Package(
    name: "qrate",
    products: [
        .executable(name: "qrate", targets: ["qrate"]),
        .library(name: "QrateKit", targets: ["QrateKit"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
        // Percentiles of delay variation. Before 1.0 a minor version may break the interface.
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", .upToNextMinor(from: "0.2.0")),
    ],
    targets: [
        // The C libraries, each behind the one module that may name it.
        .systemLibrary(
            name: "CQrateNgtcp2", path: "Sources/CNgtcp2", pkgConfig: "libngtcp2_crypto_gnutls",
            providers: [.apt(["libngtcp2-dev", "libngtcp2-crypto-gnutls-dev"])]),
        .systemLibrary(
            name: "CQrateGnuTLS", path: "Sources/CGnuTLS", pkgConfig: "gnutls",
            providers: [.apt(["libgnutls28-dev"])]),
        .target(name: "CQrateSocketShims", path: "Sources/CSocketShims"),
        .target(name: "CQratePathShims", path: "Sources/CPathShims"),
        .target(name: "CQratePacketCiphers", path: "Sources/CPacketCiphers"),

        // Bottom up; docs/ARCHITECTURE.md draws it. Imports go down only.
        module("Measurement"),
        module("DatagramProtocol"),
        module("Statistics", ["QrateMeasurement", histogram]),
        module("Security", ["CQrateGnuTLS", "CQratePacketCiphers", "QrateMeasurement"]),
        module("ControlProtocol", ["QrateMeasurement"]),
        module("Sockets", ["CQrateSocketShims", "QrateMeasurement"]),
        module(
            "QUICCore",
            ["CQrateNgtcp2", "CQrateGnuTLS", "QrateDatagramProtocol", "QrateSecurity", "QrateMeasurement"]),
        module("QUICDriver", ["QrateQUICCore", "QrateSecurity", "QrateSockets", "QrateMeasurement"]),
        module("TransportAPI", ["QrateMeasurement"]),
        module(
            "Transports",
            [
                "QrateTransportAPI", "QrateControlProtocol", "QrateQUICDriver", "QrateQUICCore", "QrateSecurity",
                "QrateSockets", "QrateStatistics", "QrateDatagramProtocol", "QrateMeasurement",
            ]),
        module(
            "Orchestration",
            ["QrateTransportAPI", "QrateControlProtocol", "QrateStatistics", "QrateMeasurement"]),
        module("Reporting", ["QrateMeasurement"]),
        module("TerminalUI", ["QrateMeasurement"]),
        .target(
            name: "QrateKit",
            dependencies: [
                "QrateOrchestration", "QrateTransports", "QrateTransportAPI", "QrateQUICCore", "QrateSecurity",
                "QrateSockets", "QrateMeasurement",
            ],
            path: "Sources/QrateKit", swiftSettings: strict),
        .executableTarget(
            name: "qrate",
            dependencies: [
                "QrateKit", "QrateReporting", "QrateTerminalUI", "QrateMeasurement", argumentParser,
            ],
            path: "Sources/qrate", swiftSettings: strict),

        // For tests only: an emulated path between two network namespaces. Not a product.
        module("PathEmulation", ["QrateMeasurement"]),
        .executableTarget(
            name: "qrate-path",
            dependencies: [
                "QratePathEmulation", "CQratePathShims", "CQrateSocketShims", "QrateSockets", "QrateMeasurement",
            ],
            path: "Sources/PathEmulator", swiftSettings: strict),
        // What the hot parts cost by themselves. Here and not in Benchmarks' own package, because they are internal.
        .executableTarget(
            name: "qrate-microbenchmarks",
            dependencies: [
                "QrateQUICCore", "QrateSecurity", "QrateSockets", "QrateStatistics", "QrateTransports",
                "QrateControlProtocol", "QrateTestSupport", "QrateMeasurement",
            ],
            path: "Benchmarks/Microbenchmarks", swiftSettings: strict),
        module(
            "TestSupport",
            [
                "CQrateGnuTLS", "QratePathEmulation", "QrateTransportAPI", "QrateQUICCore", "QrateSecurity",
                "QrateSockets",
                "QrateStatistics", "QrateMeasurement", subprocess, systemPackage,
            ]),

        tests("Measurement", ["QrateMeasurement"]),
        tests(
            "QUICCore",
            [
                "QrateQUICCore", "CQrateNgtcp2", "QrateDatagramProtocol", "QrateSecurity", "QrateTestSupport",
                "QrateMeasurement",
            ]),
        tests("QrateKit", ["QrateKit", "QrateTestSupport"]),
        tests("Sockets", ["QrateSockets", "QrateMeasurement"]),
        tests("DatagramProtocol", ["QrateDatagramProtocol"]),
        tests("Statistics", ["QrateStatistics", "QrateTestSupport", "QrateMeasurement"]),
        tests(
            "Transports",
            [
                "QrateTransports", "QrateTransportAPI", "QrateSecurity", "QrateSockets", "QrateDatagramProtocol",
                "QrateTestSupport", "QrateMeasurement",
            ]),
        tests("Reporting", ["QrateReporting", "QrateMeasurement", subprocess]),
        tests("TerminalUI", ["QrateTerminalUI", "QrateMeasurement"]),
        tests("Security", ["QrateSecurity", "QrateTestSupport", "QrateMeasurement", subprocess]),
        tests(
            "Orchestration",
            [
                "QrateOrchestration", "QrateTransportAPI", "QrateControlProtocol", "QrateMeasurement",
                "QrateTestSupport",
            ]),
        tests("ControlProtocol", ["QrateControlProtocol", "QrateMeasurement"]),
        tests("CommandLine", ["qrate", "QrateKit", "QrateTerminalUI", argumentParser]),
        // These run the built program: depending on it has it built first.
        tests(
            "EndToEnd",
            [
                "qrate", "qrate-path", "QratePathEmulation", "QrateTransports", "QrateTransportAPI",
                "QrateControlProtocol", "QrateSecurity", "QrateQUICDriver", "QrateQUICCore",
                "QrateSockets",
                "QrateTestSupport", "QrateMeasurement", subprocess,
            ]),
        tests("PathEmulation", ["QratePathEmulation", "QrateTestSupport", "QrateMeasurement"]),
        tests("Interop", ["qrate", "QrateSockets", "QrateTestSupport", subprocess]),
    ]
)

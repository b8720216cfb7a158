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

        // Bottom up; docs/ARCHITECTURE.md draws it. Imports go down only.
        module("Measurement"),
        module("Statistics", ["QrateMeasurement"]),
        module("Security", ["CQrateGnuTLS", "QrateMeasurement"]),
        module("ControlProtocol", ["QrateMeasurement"]),
        module("Sockets", ["CQrateSocketShims", "QrateMeasurement"]),
        module("QUICCore", ["CQrateNgtcp2", "CQrateGnuTLS", "QrateSecurity", "QrateMeasurement"]),
        module("QUICDriver", ["QrateQUICCore", "QrateSecurity", "QrateSockets", "QrateMeasurement"]),
        module("TransportAPI", ["QrateMeasurement"]),
        module(
            "Transports",
            [
                "QrateTransportAPI", "QrateControlProtocol", "QrateQUICDriver", "QrateQUICCore", "QrateSecurity",
                "QrateSockets", "QrateStatistics", "QrateMeasurement",
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
        module(
            "TestSupport",
            [
                "CQrateGnuTLS", "QrateTransportAPI", "QrateQUICCore", "QrateSecurity", "QrateSockets",
                "QrateStatistics", "QrateMeasurement", subprocess, systemPackage,
            ]),

        tests("Measurement", ["QrateMeasurement"]),
        tests("QUICCore", ["QrateQUICCore", "CQrateNgtcp2", "QrateSecurity", "QrateTestSupport", "QrateMeasurement"]),
        tests("QrateKit", ["QrateKit", "QrateTestSupport"]),
        tests("Sockets", ["QrateSockets"]),
        tests("Statistics", ["QrateStatistics", "QrateMeasurement"]),
        tests(
            "Transports",
            [
                "QrateTransports", "QrateTransportAPI", "QrateSecurity", "QrateSockets", "QrateTestSupport",
                "QrateMeasurement",
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
        // These run the built program: depending on it has it built first.
        tests(
            "EndToEnd",
            [
                "qrate", "QrateTransports", "QrateTransportAPI", "QrateControlProtocol", "QrateSecurity",
                "QrateSockets",
                "QrateTestSupport", "QrateMeasurement", subprocess,
            ]),
        tests("Interop", ["qrate", "QrateSockets", "QrateTestSupport", subprocess]),
    ]
)

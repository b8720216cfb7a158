// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds or depends on qrate pays for it. It depends on no code of qrate's:
// what it measures is what this machine can do without it.
let package = Package(
    name: "qrate-benchmarks",
    products: [.executable(name: "raw-floor", targets: ["QrateRawFloor"])],
    targets: [
        .systemLibrary(
            name: "CQrateBenchmarksGnuTLS", path: "Sources/CGnuTLS", pkgConfig: "gnutls",
            providers: [.apt(["libgnutls28-dev"])]),
        .executableTarget(
            name: "QrateRawFloor", dependencies: ["CQrateBenchmarksGnuTLS"], path: "Sources/RawFloor",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]),
    ]
)

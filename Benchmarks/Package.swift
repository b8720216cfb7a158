// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who builds or depends on qrate pays for it. Of qrate's code it has only what finds
// libipsec-mb (by a symbolic link): what it measures is what this machine can do without qrate.
let package = Package(
    name: "qrate-benchmarks",
    products: [.executable(name: "raw-floor", targets: ["QrateRawFloor"])],
    targets: [
        .systemLibrary(
            name: "CQrateBenchmarksGnuTLS", path: "Sources/CGnuTLS", pkgConfig: "gnutls",
            providers: [.apt(["libgnutls28-dev"])]),
        .target(name: "CQratePacketCiphers", path: "Sources/CPacketCiphers"),
        .executableTarget(
            name: "QrateRawFloor", dependencies: ["CQrateBenchmarksGnuTLS", "CQratePacketCiphers"],
            path: "Sources/RawFloor",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
            ]),
    ]
)

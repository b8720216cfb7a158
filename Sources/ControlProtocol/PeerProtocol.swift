package import QrateMeasurement

/// What the peer is and can do, as its hello says.
package struct PeerProtocol: Sendable, Equatable {
    /// Name and version, as in `xfr/0.9.25`; safe to print. `unknown` when the hello doesn't say.
    package let software: String
    /// The peer asks for a pre-shared key, which this version hasn't got.
    package let demandsPSK: Bool
    private let capabilities: Set<String>

    /// It knows the nested `qrate` objects and takes a ``ReportMessage``.
    package var speaksQrate: Bool { capabilities.contains(Capability.qrate) }
    /// It ends a test after a number of bytes. Without it a budget would be ignored silently.
    package var hasByteBudget: Bool { capabilities.contains(Capability.byteBudget) }

    /// It tells what processor time it used, when it is asked for it between its hello and a test.
    package var tellsUsage: Bool { speaksQrate && announces(Capability.processUsage) }

    /// It answers latency probes.
    package var answersProbes: Bool { speaksQrate && announces(Capability.latency) }

    /// Whether its hello announced the ``Capability``.
    package func announces(_ capability: String) -> Bool { capabilities.contains(capability) }

    /// Reads the peer's hello.
    ///
    /// - Parameter local: Which end we are.
    /// - Throws: ``ControlError/incompatibleVersion(_:local:)``. A server sends its text and closes.
    package static func negotiate(
        _ hello: Hello, as local: Role = .server
    ) throws(ControlError) -> PeerProtocol {
        guard isCompatible(hello.version) else { throw .incompatibleVersion(hello.version, local: local) }
        let name = printable((local == .server ? hello.client : hello.server) ?? "", limit: longestSoftwareName)
        return PeerProtocol(
            software: name.isEmpty ? "unknown" : name, demandsPSK: hello.auth != nil,
            capabilities: Set(hello.capabilities ?? []))
    }

    private static let longestSoftwareName = 64

    /// Dot-separated decimal numbers, the first of which must be ours. Minor numbers decide nothing, capabilities do.
    private static func isCompatible(_ version: String) -> Bool {
        let parts = version.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(digits.contains) }) else { return false }
        // Compared as text without leading zeros: a number of any length can't overflow.
        return parts.first?.drop { $0 == UInt8(ascii: "0") }.elementsEqual("1".utf8) ?? false
    }
}

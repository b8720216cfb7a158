package import QrateMeasurement

/// ``QrateMeasurement/Platform`` on the wire.
package struct WirePlatform: Sendable, Equatable, Codable {
    package var build: String?
    package var ngtcp2: String?
    package var gnutls: String?
    package var kernel: String?
    package var architecture: String?
    package var processor: String?
    package var processorCount: UInt32?
    package var isVirtualMachine: Bool?
    package var isContainer: Bool?

    enum CodingKeys: String, CodingKey {
        case build, ngtcp2, gnutls, kernel, architecture, processor
        case processorCount = "processors"
        case isVirtualMachine = "virtual_machine"
        case isContainer = "container"
    }

    package init(_ platform: Platform) {
        build = platform.build
        ngtcp2 = platform.ngtcp2
        gnutls = platform.gnutls
        kernel = platform.kernel
        architecture = platform.architecture
        processor = platform.processor
        processorCount = platform.processorCount.map { UInt32(clamping: $0) }
        isVirtualMachine = platform.isVirtualMachine
        isContainer = platform.isContainer
    }

    /// The peer's, safe to print.
    package var platform: Platform {
        var platform = Platform()
        platform.build = Self.name(build)
        platform.ngtcp2 = Self.name(ngtcp2)
        platform.gnutls = Self.name(gnutls)
        platform.kernel = Self.name(kernel)
        platform.architecture = Self.name(architecture)
        platform.processor = Self.name(processor)
        platform.processorCount = processorCount.map { Int(clamping: $0) }
        platform.isVirtualMachine = isVirtualMachine
        platform.isContainer = isContainer
        return platform
    }

    /// In bytes: the kernel's own fields have 64 at most, processors' names 48.
    private static let longestName = 128

    private static func name(_ text: String?) -> String? { text.map { printable($0, limit: longestName) } }
}

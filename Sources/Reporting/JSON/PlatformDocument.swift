import QrateMeasurement

/// The program and the machine at one end. The keys are those of the control protocol.
struct PlatformDocument: Encodable {
    var build: String?
    var ngtcp2: String?
    var gnutls: String?
    var kernel: String?
    var architecture: String?
    var processor: String?
    var processorCount: Int?
    var isVirtualMachine: Bool?
    var isContainer: Bool?

    enum CodingKeys: String, CodingKey {
        case build, ngtcp2, gnutls, kernel, architecture, processor
        case processorCount = "processors"
        case isVirtualMachine = "virtual_machine"
        case isContainer = "container"
    }

    init(_ platform: Platform) {
        build = platform.build.map(PrintableText.clean)
        ngtcp2 = platform.ngtcp2.map(PrintableText.clean)
        gnutls = platform.gnutls.map(PrintableText.clean)
        kernel = platform.kernel.map(PrintableText.clean)
        architecture = platform.architecture.map(PrintableText.clean)
        processor = platform.processor.map(PrintableText.clean)
        processorCount = platform.processorCount
        isVirtualMachine = platform.isVirtualMachine
        isContainer = platform.isContainer
    }
}

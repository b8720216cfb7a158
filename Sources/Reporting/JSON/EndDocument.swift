import QrateMeasurement

/// The program that writes the report.
struct ToolDocument: Encodable {
    var name = "qrate"
    var version = QrateVersion.number
    var build: String
}

/// One end: who it is. Its settings are in ``TestDocument``.
struct EndDocument: Encodable {
    var software: String
    var host: String?
    var address: String?
    var platform: PlatformDocument?

    init(_ end: EndReport) {
        software = PrintableText.clean(end.software)
        host = end.host.map(PrintableText.clean)
        address = end.address.map(PrintableText.clean)
        platform = end.platform.map(PlatformDocument.init)
    }
}

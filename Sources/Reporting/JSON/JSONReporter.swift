import FoundationEssentials
package import QrateMeasurement

/// A test as one JSON object of schema `qrate.result/1` (`docs/result.schema.json`).
///
/// A key is there only when its value was measured or is known. Units are in the names; rates are whole bits per second.
package struct JSONReporter: Sendable {
    private let tool: ToolDocument

    /// - Parameter build: How the reporting program was compiled.
    package init(build: String = QrateVersion.build) { tool = ToolDocument(build: build) }

    /// One object, with an end of line behind it.
    ///
    /// - Throws: `EncodingError`, if the report held a number that JSON can't express.
    package func document(_ report: TestReport) throws -> String {
        try Self.encode(ResultDocument(report, tool: tool))
    }

    /// The object for a failure before there was a test to report on, as when the arguments were wrong.
    package static func failure(_ failure: TestFailure, build: String = QrateVersion.build) -> String {
        let document = FailureDocument(tool: ToolDocument(build: build), error: ErrorDocument(failure))
        return try! encode(document)  // it holds strings only, and those can always be encoded
    }

    static func encode(_ document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }
}

package import QrateMeasurement

/// A self-test as one JSON object of schema `qrate.selftest/1` (`docs/selftest.schema.json`).
package struct SelfTestJSON: Sendable {
    private let tool: ToolDocument

    /// - Parameter build: How the reporting program was compiled.
    package init(build: String = QrateVersion.build) { tool = ToolDocument(build: build) }

    /// One object, with an end of line behind it.
    ///
    /// - Throws: `EncodingError`, if the report held a number that JSON can't express.
    package func document(_ report: SelfTestReport) throws -> String {
        try JSONReporter.encode(SelfTestDocument(report, tool: tool))
    }

    /// The object for a failure before there was anything to report on, as when the arguments were wrong.
    package static func failure(_ failure: TestFailure, build: String = QrateVersion.build) -> String {
        let document = FailureDocument(
            schema: SelfTestDocument.schema, tool: ToolDocument(build: build), error: ErrorDocument(failure))
        return try! JSONReporter.encode(document)  // it holds strings only, and those can always be encoded
    }
}

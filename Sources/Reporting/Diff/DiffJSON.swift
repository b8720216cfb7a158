package import QrateMeasurement

/// A diff as one JSON object of schema `qrate.diff/1` (`docs/diff.schema.json`).
package struct DiffJSON: Sendable {
    private let tool: ToolDocument

    /// - Parameter build: How the reporting program was compiled.
    package init(build: String = QrateVersion.build) { tool = ToolDocument(build: build) }

    /// One object, with an end of line behind it.
    ///
    /// - Throws: `EncodingError`, if the report held a number that JSON can't express.
    package func document(_ report: DiffReport) throws -> String {
        try JSONReporter.encode(DiffDocument(report, tool: tool))
    }

    /// The object for input that can't be compared.
    package static func failure(_ failure: TestFailure, build: String = QrateVersion.build) -> String {
        let document = FailureDocument(
            schema: DiffDocument.schema, tool: ToolDocument(build: build), error: ErrorDocument(failure))
        return try! JSONReporter.encode(document)  // it holds strings only, and those can always be encoded
    }
}

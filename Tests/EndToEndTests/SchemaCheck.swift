import FoundationEssentials
import QrateTestSupport
import Testing

/// Expects a document that a published schema describes: that of a test's result, if no other is named.
func expectValid(
    _ document: String, schema name: String = "result", sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let directory = try TemporaryDirectory()
    let file = directory.path + "/result.json"
    try Data(document.utf8).write(to: URL(filePath: file))
    let script = repository.appending(path: "scripts/validate-json").path
    let schema = repository.appending(path: "docs/\(name).schema.json").path
    let validation = try await withProgram(script, [schema, file]) { try await $0.outcome() }
    #expect(
        validation.status == 0, "\(validation.output)\(validation.errors)\(document)", sourceLocation: sourceLocation)
}

import FoundationEssentials
import QrateTestSupport
import Testing

/// Expects a document that the published schema describes.
func expectValid(_ document: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let directory = try TemporaryDirectory()
    let file = directory.path + "/result.json"
    try Data(document.utf8).write(to: URL(filePath: file))
    let script = repository.appending(path: "scripts/validate-json").path
    let schema = repository.appending(path: "docs/result.schema.json").path
    let validation = try await withProgram(script, [schema, file]) { try await $0.outcome() }
    #expect(
        validation.status == 0, "\(validation.output)\(validation.errors)\(document)", sourceLocation: sourceLocation)
}

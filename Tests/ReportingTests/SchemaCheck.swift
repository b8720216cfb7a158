import FoundationEssentials
import Subprocess
import Testing

/// Expects a recorded document that a published schema describes.
func expectValid(_ name: String, schema: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let script = Golden.repository.appending(path: "scripts/validate-json").path
    let file = Golden.repository.appending(path: "docs/\(schema).schema.json").path
    // By way of `env`, because naming an executable by its path takes a type of a package that we don't import.
    let result = try await run(
        .name("env"), arguments: .init([script, file, Golden.folder.appending(path: name).path]),
        output: .string(limit: 1 << 20), error: .string(limit: 1 << 16))
    #expect(
        result.terminationStatus == .exited(0), "\(result.standardOutput)\(result.standardError)",
        sourceLocation: sourceLocation)
}

import FoundationEssentials
import Testing

/// The recorded outputs in `Tests/Fixtures/reports`. Where a change is meant, run the tests once with
/// `QRATE_REWRITE_FIXTURES=1` and read the difference before it is committed.
enum Golden {
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    static let folder = repository.appending(path: "Tests/Fixtures/reports")

    static func expect(_ text: String, equals name: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let file = folder.appending(path: name)
        if ProcessInfo.processInfo.environment["QRATE_REWRITE_FIXTURES"] == "1" {
            try Data(text.utf8).write(to: file)
        }
        let recorded = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        #expect(text == recorded, "differs from \(name)", sourceLocation: sourceLocation)
    }
}

import FoundationEssentials

/// A directory of its own for one test, removed with everything in it.
package struct TemporaryDirectory: ~Copyable {
    package let path: String

    package init() throws {
        path = FileManager.default.temporaryDirectory.path + "/qrate-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    }

    /// Writes a file in it, in place of what is there.
    package func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

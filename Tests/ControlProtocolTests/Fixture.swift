import FoundationEssentials

/// Recorded control conversations, one line per message.
enum Fixture: String, CaseIterable {
    case xfrClient = "xfr-client"
    case xfrServer = "xfr-server"
    case qrateClient = "qrate-client"
    case qrateServer = "qrate-server"

    func bytes() throws -> [UInt8] {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: tests.appending(path: "Fixtures/control/\(rawValue).jsonl")))
    }

    /// The lines without their newlines.
    func lines() throws -> [String] {
        String(decoding: try bytes(), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

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

/// The lines that docs/CONTROL-PROTOCOL.md shows as examples.
func documentedLines() throws -> [String] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let page = String(
        decoding: try Data(contentsOf: root.appending(path: "docs/CONTROL-PROTOCOL.md")), as: UTF8.self)
    return page.split(separator: "\n").filter { $0.hasPrefix("{") }.map(String.init)
}

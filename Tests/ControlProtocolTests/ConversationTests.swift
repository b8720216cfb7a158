import FoundationEssentials
import QrateControlProtocol
import Testing

/// Whole conversations, recorded by an independent peer (Tests/Peers/record.py): with itself, and with qrate.
@Suite("recorded conversations") struct ConversationTests {
    struct Recording: Sendable, CustomTestStringConvertible {
        /// Client, server, and what they did: `xfr-qrate-tcp-upload`.
        var name: String
        var lines: [(isClient: Bool, message: String)]

        var testDescription: String { name }

        /// What xfr's side says.
        var xfrLines: [String] {
            lines.filter { $0.isClient ? name.hasPrefix("xfr-") : !name.hasPrefix("xfr-qrate-") }.map(\.message)
        }
    }

    static let recordings: [Recording] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "Fixtures/control/conversations")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().compactMap { name in
            guard let data = try? Data(contentsOf: folder.appending(path: name)) else { return nil }
            let lines = String(decoding: data, as: UTF8.self).split(separator: "\n")
            return Recording(
                name: String(name.dropLast(".txt".count)),
                lines: lines.map { ($0.hasPrefix("C> "), String($0.dropFirst("C> ".count))) })
        }
    }()

    @Test("every line of xfr's side is understood, and survives being written again", arguments: recordings)
    func understood(recording: Recording) throws {
        #expect(!recording.xfrLines.isEmpty)
        for line in recording.xfrLines {
            let message = try ControlCodec.decode(Array(line.utf8))
            #expect(try ControlCodec.decode(ControlCodec.encode(message)) == message, "\(line)")
        }
    }

    @Test("the recordings hold all that xfr says without a key")
    func complete() throws {
        let kinds = Set(try Self.recordings.flatMap(\.xfrLines).map { try ControlCodec.decode(Array($0.utf8)).kind })
        let others: Set<ControlMessage.Kind> = [.authResponse, .authSuccess, .report, .usage, .probeHello]
        #expect(kinds == Set(ControlMessage.Kind.allCases).subtracting(others))
    }
}

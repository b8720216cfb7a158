import FoundationEssentials
import QrateKit
import Testing

@testable import qrate

@Suite("the file that a page is written to") struct ReportFileTests {
    /// A directory of its own, removed afterwards.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.path + "/qrate-test-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    private func content(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    private func write(_ text: String, _ path: String) throws { try Data(text.utf8).write(to: URL(filePath: path)) }

    private func refusal(_ path: String) -> TestFailure? {
        do throws(TestFailure) {
            _ = try ReportFile(path)
            return nil
        } catch {
            return error
        }
    }

    @Test("it is there when it was written, with nothing left beside it, and not before")
    func new() throws {
        try withDirectory { directory in
            let file = try ReportFile(directory + "/page.html")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
            #expect(file.write("<p>") == nil)
            #expect(try content(directory + "/page.html") == "<p>")
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["page.html"])
        }
    }

    @Test("one that is there already stays until then; where a link leads, the file is replaced, not the link")
    func old() throws {
        try withDirectory { directory in
            try write("old", directory + "/page.html")
            try FileManager.default.createSymbolicLink(
                atPath: directory + "/link.html", withDestinationPath: directory + "/page.html")
            let file = try ReportFile(directory + "/link.html")
            #expect(try content(directory + "/page.html") == "old")
            #expect(file.write("new") == nil)
            #expect(try content(directory + "/page.html") == "new")
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: directory + "/link.html")
                    == directory + "/page.html")
        }
    }

    @Test("what can't be made, or isn't a file, is refused before anything is measured")
    func refused() throws {
        try withDirectory { directory in
            #expect(refusal(directory + "/none/page.html")?.kind == .badInput)
            #expect(refusal(directory)?.kind == .badInput)
            #expect(refusal("/dev/null")?.message.contains("isn't a file") == true)
            #expect(refusal("-")?.kind == .usage)
            #expect(refusal("")?.kind == .usage)
        }
    }

    @Test("a place that went away meanwhile is told, not trapped on")
    func vanished() throws {
        try withDirectory { directory in
            try FileManager.default.createDirectory(atPath: directory + "/a", withIntermediateDirectories: false)
            let file = try ReportFile(directory + "/a/page.html")
            try FileManager.default.removeItem(atPath: directory + "/a")
            #expect(file.write("<p>")?.kind == .badInput)
        }
    }
}

import FoundationEssentials
import QrateMeasurement
import Subprocess
import Testing

@testable import QrateReporting

/// Pages as a browser draws them. The pictures stay in `.build/screenshots`, to be looked at.
///
/// Skipped where there is no Chromium: it would take half a minute and 400 MB to install for these alone.
@Suite("the page of a comparison in a browser", .enabled(if: hasBrowser, "Chromium isn't installed"))
struct PagePictureTests {
    @Test("is drawn light, dark, and no wider than a phone", arguments: ["five-rounds", "hostile"])
    func drawn(name: String) async throws {
        let folder = Golden.repository.appending(path: ".build/screenshots/\(name)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let page = folder.appending(path: "page.html")
        try Data(ComparisonReportPage.document(try PageSamples.named(name)).utf8).write(to: page)
        let script = Golden.repository.appending(path: "scripts/screenshot-report").path
        let result = try await run(
            .name("env"), arguments: .init([script, page.path, folder.path]), output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16))
        #expect(result.terminationStatus == .exited(0), "\(result.standardError)")
        for picture in ["light.png", "dark.png", "phone.png"] {
            #expect(try Data(contentsOf: folder.appending(path: picture)).count > 10_000, "\(picture)")
        }
    }
}

private let hasBrowser = ["chromium", "chromium-browser", "google-chrome"].contains { name in
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").contains { directory in
        FileManager.default.isExecutableFile(atPath: "\(directory)/\(name)")
    }
}

import FoundationEssentials
import Glibc
import QrateMeasurement
import QrateQUICCore
import QrateTestSupport
import QrateTransportAPI
import Testing

@testable import QrateTransports

@Suite("a directory of qlogs") struct QlogDirectoryTests {
    private static let event = "\u{1e}{\"time\":0,\"name\":\"recovery:metrics_updated\",\"data\":{}}\n"

    /// The library's own header, which the directory replaces, then events.
    private func write(_ events: Int, to trace: any EventTrace) {
        for record in ["\u{1e}{}\n"] + Array(repeating: Self.event, count: events) {
            Array(record.utf8).withUnsafeBytes { trace.write($0) }
        }
    }

    private func contents(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }

    @Test("is made, for its owner's eyes only, and so are the files")
    func modes() async throws {
        let parent = try TemporaryDirectory()
        let path = parent.path + "/logs"
        let directory = try QlogDirectory.open(path)
        let id = ConnectionID.random(length: 18)
        let trace = directory.begin(id, at: .client)
        write(3, to: trace)
        trace.end()
        let report = await directory.close()
        #expect(try contents(path) == ["\(id)_client.sqlog"])
        let file = "\(path)/\(id)_client.sqlog"
        var status = stat()
        try #require(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        try #require(stat(file, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)

        let bytes = try Data(contentsOf: URL(filePath: file))
        #expect(report.directory == path && report.files == 1)
        #expect(report.events == 3 && report.droppedEvents == 0 && report.failure == nil)
        #expect(report.bytes == ByteCount(UInt64(bytes.count)))
        #expect(bytes.suffix(Self.event.utf8.count * 3) == Data(String(repeating: Self.event, count: 3).utf8))
    }

    @Test("begins each file with who saw it, of which connection, and when")
    func header() async throws {
        let place = try TemporaryDirectory()
        let directory = try QlogDirectory.open(place.path)
        let before = Date().timeIntervalSince1970 * 1000
        let id = ConnectionID.random(length: 8)
        let trace = directory.begin(id, at: .server)
        write(0, to: trace)
        let after = Date().timeIntervalSince1970 * 1000
        _ = await directory.close()
        let file = try Data(contentsOf: URL(filePath: "\(place.path)/\(id)_server.sqlog"))
        let log = try QlogReader(file)
        #expect(log.header.title?.contains("\(id)") == true)
        #expect(log.header.trace.vantagePoint.type == "server")
        #expect(log.header.trace.vantagePoint.name?.hasPrefix("qrate ") == true)
        #expect(log.header.trace.commonFields.ODCID == "\(id)")
        #expect(log.header.trace.commonFields.protocolType == ["QUIC"])
        #expect(before - 1...after + 1 ~= log.header.trace.commonFields.referenceTime)
        #expect(log.events.isEmpty)
    }

    @Test("keeps connections apart that have the same name")
    func sameName() async throws {
        let place = try TemporaryDirectory()
        let directory = try QlogDirectory.open(place.path)
        let id = ConnectionID.random(length: 8)
        for count in 1...3 {
            let trace = directory.begin(id, at: .server)
            write(count, to: trace)
            trace.end()
        }
        let report = await directory.close()
        #expect(report.files == 3 && report.events == 6)
        #expect(
            try contents(place.path) == ["2-\(id)_server.sqlog", "3-\(id)_server.sqlog", "\(id)_server.sqlog"].sorted())
    }

    @Test("drops whole events for which there is no room, and counts them")
    func noRoom() async throws {
        let place = try TemporaryDirectory()
        // Less than one event takes, so that it doesn't matter how fast the writer is.
        let directory = try QlogDirectory.open(place.path, room: Self.event.utf8.count - 1)
        let trace = directory.begin(ConnectionID.random(), at: .client)
        write(1000, to: trace)
        trace.end()
        let report = await directory.close()
        #expect(report.events == 0 && report.droppedEvents == 1000 && report.files == 1)
        let name = try #require(try contents(place.path).first)
        #expect(try QlogReader(try Data(contentsOf: URL(filePath: "\(place.path)/\(name)"))).events.isEmpty)
    }

    @Test("counts what couldn't be written as dropped, and says why")
    func vanished() async throws {
        let parent = try TemporaryDirectory()
        let path = parent.path + "/logs"
        let directory = try QlogDirectory.open(path)
        try FileManager.default.removeItem(atPath: path)
        let trace = directory.begin(ConnectionID.random(), at: .client)
        write(5, to: trace)
        let report = await directory.close()
        #expect(report.files == 0 && report.events == 0 && report.droppedEvents == 5 && report.bytes == .zero)
        #expect(report.failure == String(cString: strerror(ENOENT)))
        write(5, to: trace)  // a connection that outlives it: nothing happens
        trace.end()
    }

    @Test("that can't be written is refused before anything is sent", arguments: ["file", "file/logs", "none/logs"])
    func unusable(name: String) throws {
        let place = try TemporaryDirectory()
        try place.write("", to: "file")
        let error = #expect(throws: TransportError.self) { try QlogDirectory.open("\(place.path)/\(name)") }
        #expect(error?.kind == .badInput)
        #expect(error?.message.contains(name) == true)
    }
}

import FoundationEssentials
import QrateTestSupport
import Testing

@Suite("--qlog", .fewAtATime) struct QlogTests {
    private func files(_ directory: String) throws -> [String: Data] {
        let names = try FileManager.default.contentsOfDirectory(atPath: directory)
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try Data(contentsOf: URL(filePath: "\(directory)/\($0)"))) })
    }

    @Test(
        "has a file of every connection at both ends, and in it the packets that the result counts",
        arguments: [[], ["-R"], ["-P", "2", "--connections", "2"], ["--datagrams", "-b", "100M"]])
    func everyConnection(arguments: [String]) async throws {
        let place = try TemporaryDirectory()
        let (here, there) = (place.path + "/client", place.path + "/server")
        let result = try await withServer(["--qlog", there]) { server in
            let client = try await server.client(arguments + ["--qlog", here, "-n", "3000017", "--json"])
            try await expectValid(client.output)
            return try client.success()
        }
        let client = try files(here), server = try files(there)
        let count = arguments.contains("--connections") ? 3 : 1
        #expect(client.count == count)
        #expect(
            Set(server.keys) == Set(client.keys.map { $0.replacing("_client.sqlog", with: "_server.sqlog") }),
            "the ends' files go together by their names")

        let ours = try client.mapValues { try QlogReader($0) }, theirs = try server.mapValues { try QlogReader($0) }
        for (name, log) in ours {
            #expect(log.header.trace.vantagePoint.type == "client")
            #expect(name == "\(log.header.trace.commonFields.ODCID ?? "")_client.sqlog")
            let peer = try #require(theirs[name.replacing("_client.sqlog", with: "_server.sqlog")])
            #expect(peer.header.trace.vantagePoint.type == "server")
            // What came had been sent.
            for (sender, receiver) in [(log, peer), (peer, log)] {
                let received = Set(receiver.packets("transport:packet_received"))
                #expect(!received.isEmpty && received.isSubset(of: sender.packets("transport:packet_sent")))
            }
        }
        let report = try #require(result.qlog)
        #expect(report.directory == here && report.files == count && report.droppedEvents == 0)
        #expect(report.bytes == client.values.reduce(0) { $0 + UInt64($1.count) })
        #expect(report.events == ours.values.reduce(0) { $0 + UInt64($1.events.count) })

        // The result counts the test's datagrams; handshakes, control before the test and farewells come in addition.
        let isDownload = arguments.contains("-R")
        let sender = isDownload ? theirs : ours
        let sent = sender.values.reduce(0) { $0 + UInt64($1.events("transport:packet_sent").count) }
        let counted = try #require(result.path?.quic?.datagramsSent)
        #expect(counted > 2000)
        #expect(counted...counted + 60 * UInt64(count) ~= sent)

        #expect(result.test?.settings.client?.recording?.qlog == true)
        #expect(result.test?.settings.server?.recording?.qlog == true)
        #expect(result.warnings?.filter { $0.code == "qlog" }.count == 2, "one about each end")
    }

    @Test("says nothing where it is off")
    func off() async throws {
        try await withServer { server in
            let result = try await server.client(["-n", "1000", "--json"]).success()
            #expect(result.qlog == nil && result.test?.settings.client?.recording == nil)
            #expect(result.warnings?.contains { ["qlog", "key_log"].contains($0.code) } == false)
        }
    }

    @Test("has the file of a connection that nobody answered")
    func noAnswer() async throws {
        let place = try TemporaryDirectory()
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)", "--qlog", place.path])
        client.expectFailure(69)
        let log = try QlogReader(try #require(try files(place.path).values.first))
        #expect(!log.events("transport:packet_sent").isEmpty && log.events("transport:packet_received").isEmpty)
    }

    @Test(
        "is refused where there are no packets to tell of, or too many connections",
        arguments: [["--tcp"], ["--tls"], ["--udp"], ["--probe-mtu"]])
    func otherTransports(transport: [String]) async throws {
        let place = try TemporaryDirectory()
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(
            ["127.0.0.1", "-p", "\(port.number)", "--qlog", place.path + "/logs"] + transport)
        client.expectFailure(64, saying: "--qlog")
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).isEmpty)
    }

    @Test("ends a program before the test where its directory can't be used", arguments: ["client", "serve"])
    func unusable(command: String) async throws {
        let place = try TemporaryDirectory()
        try place.write("", to: "file")
        let port = try SilentPort(.closed)
        let arguments = command == "serve" ? ["serve", "-p", "0"] : ["127.0.0.1", "-p", "\(port.number)"]
        let outcome = try await QrateProgram.run(arguments + ["--qlog", place.path + "/file"])
        outcome.expectFailure(65, saying: place.path + "/file")
    }
}

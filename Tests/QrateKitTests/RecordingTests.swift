import FoundationEssentials
import QrateTestSupport
import Testing

@testable import QrateKit

@Suite("the library: what it records", .timeLimit(.minutes(1))) struct RecordingTests {
    private func lines(_ path: String) throws -> Set<Substring> {
        Set(String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self).split(separator: "\n"))
    }

    @Test("clients and a server in one process each have their own files, and one that asks for none has none")
    func ownFiles() async throws {
        let place = try TemporaryDirectory()
        let path = place.path
        var ended: TestServer?
        try await withServer {
            $0.recording = RecordingOptions(qlogDirectory: path + "/server", keyLogFile: path + "/server-keys")
        } _: { server, configuration in
            ended = server
            var configuration = configuration
            configuration.parameters.limit = .bytes(100_003)
            for name in ["one", "two"] {
                configuration.recording = RecordingOptions(
                    qlogDirectory: "\(path)/\(name)", keyLogFile: "\(path)/\(name)-keys")
                let report = try await TestClient(configuration).run()
                #expect(report.failure == nil)
                let qlog = try #require(report.qlog)
                #expect(qlog.files == 1 && qlog.events > 100 && qlog.droppedEvents == 0 && qlog.failure == nil)
                for code in ["qlog", "key_log"] {
                    #expect(report.warnings.count { $0.code == code } == 2, "one about each end")
                }
                #expect(report.client.settings.recording == RecordingSettings(qlog: true, keyLog: true))
            }
            configuration.recording = RecordingOptions()
            configuration.parameters.transport = .tls
            let report = try await TestClient(configuration).run()
            #expect(report.qlog == nil && report.client.settings.recording == nil)
            #expect(report.server?.settings.recording == RecordingSettings(qlog: false, keyLog: true))
        }
        let server = try #require(ended)
        #expect(server.qlog?.files == 2 && server.qlog?.droppedEvents == 0 && server.keyLogFailure == nil)
        let (one, two) = (try lines(path + "/one-keys"), try lines(path + "/two-keys"))
        #expect(one.count == 5 && two.count == 5 && one.isDisjoint(with: two))
        // The last test had a control and a data connection over TLS.
        let all = try lines(path + "/server-keys")
        #expect(all.isSuperset(of: one.union(two)) && all.count == 20)
    }

    @Test("a comparison logs the secrets of all its connections, and takes no qlog")
    func comparison() throws {
        var connection = TestConfiguration(host: "127.0.0.1")
        connection.recording.keyLogFile = "keys"
        var comparison = ComparisonConfiguration(connection)
        #expect(comparison.configuration(for: .tls).recording.keyLogFile == "keys")
        #expect(comparison.handshakes(of: .quic).recording.keyLogFile == "keys")
        comparison.connection.recording.qlogDirectory = "logs"
        let failure = #expect(throws: TestFailure.self) { try comparison.validate() }
        #expect(failure?.message.contains("--qlog") == true)
    }

    @Test("a measurement of handshakes takes no qlog")
    func handshakes() throws {
        var configuration = HandshakeConfiguration(host: "127.0.0.1")
        configuration.recording.qlogDirectory = "logs"
        let failure = #expect(throws: TestFailure.self) { try configuration.validate() }
        #expect(failure?.kind == .usage)
        #expect(failure?.message.contains("--qlog") == true)
    }
}

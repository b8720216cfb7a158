import FoundationEssentials
import Glibc
import QratePathEmulation
import QrateTestSupport
import Testing

/// SSLKEYLOGFILE, judged by a program that knows nothing of ours: tshark reads what went over an emulated path. (On loopback
/// a segmented send is one frame.)
@Suite("a capture and a key log", .fewAtATime, .needsEmulatedPath) struct DecryptionTests {
    /// The capture's last packet: what came before it is in the file when it is.
    private static let marker = "the end of what is to be captured"

    /// Captures what the client's end of the path sees while `body` runs.
    private func capture<Result>(
        _ path: EmulatedPath, into file: String, _ body: () async throws -> Result
    ) async throws -> Result {
        let command = path.launcher(.client) + ["dumpcap", "-i", "any", "-w", file]
        return try await withProgram(command[0], Array(command.dropFirst())) { dumpcap in
            _ = try await dumpcap.errors.line(with: "File: ")  // it listens now
            let result = try await body()
            let end = ["bash", "-c", "echo -n '\(Self.marker)' > /dev/udp/\(path.address(of: .server))/9"]
            let sending = path.launcher(.client) + end
            _ = try await withProgram(sending[0], Array(sending.dropFirst())) { try await $0.end() }
            // It writes the file out before it prints how many packets there are.
            try await dumpcap.errors.wait(for: "the capture's end") { _ in
                let captured = try Data(contentsOf: URL(filePath: file))
                return captured.firstRange(of: Data(Self.marker.utf8)) == nil ? nil : ()
            }
            dumpcap.send(SIGINT)
            try #require(try await dumpcap.end() == 0, "\(dumpcap.errors.text)")
            return result
        }
    }

    private func tshark(_ capture: String, _ arguments: [String], keys: String?) async throws -> String {
        let secrets = keys.map { ["-o", "tls.keylog_file:\($0)"] } ?? []
        let outcome = try await withProgram("tshark", ["-r", capture] + secrets + arguments) { try await $0.outcome() }
        try #require(outcome.status == 0, "\(outcome.errors)")
        return outcome.output
    }

    @Test(
        "show what the control connection and the data carried, each end's log for itself",
        arguments: [MatrixRow.Transport.quic, .tls], [[], ["-R"]])
    func decrypts(transport: MatrixRow.Transport, direction: [String]) async throws {
        let place = try TemporaryDirectory()
        let file = place.path + "/capture", keys = (client: place.path + "/client", server: place.path + "/server")
        let isQUIC = transport == .quic
        let qlog = isQUIC ? ["--qlog", place.path + "/qlog"] : []
        var addresses = (client: "", server: "")
        let result = try await withPath(try PathSettings(arguments: ["--both", "delay=1ms"])) { path in
            addresses = (path.address(of: .client), path.address(of: .server))
            return try await withServer(variables: ["SSLKEYLOGFILE": keys.server], over: path) { server in
                try await capture(path, into: file) {
                    let client = try await server.client(
                        direction + [transport.flag, "-n", "200003", "--zeros", "--json"] + qlog,
                        variables: ["SSLKEYLOGFILE": keys.client])
                    try await expectValid(client.output)
                    return try client.success()
                }
            }
        }
        #expect(result.warnings?.filter { $0.code == "key_log" }.count == 2, "one about each end")
        #expect(result.test?.settings.client?.recording?.keyLog == true)
        #expect(result.test?.settings.server?.recording?.keyLog == true)

        let conversation = ["-q", "-z", isQUIC ? "follow,quic,ascii,0,0" : "follow,tls,ascii,0"]
        for keys in [keys.client, keys.server] {
            let text = try await tshark(file, conversation, keys: keys)
            for part in [#"{"type":"hello""#, #""client":"qrate/"#, #""server":"qrate/"#, #"{"type":"test_start""#] {
                #expect(text.contains(part), "\(part) is missing: \(text.prefix(500))")
            }
        }
        #expect(try await !tshark(file, conversation, keys: nil).contains("qrate/"), "nobody reads it without the keys")

        let payload = ["-q", "-z", isQUIC ? "follow,quic,raw,0,\(direction.isEmpty ? 2 : 3)" : "follow,tls,raw,1"]
        let zeros = try await tshark(file, payload, keys: keys.client).filter { $0 == "0" }.count
        #expect(zeros >= 2 * 200_003, "all of the payload, in hexadecimal")
        guard isQUIC else { return }
        let seen = try await packetNumbers(file, keys.client)
        let name = try #require(try FileManager.default.contentsOfDirectory(atPath: place.path + "/qlog").first)
        let log = try QlogReader(try Data(contentsOf: URL(filePath: "\(place.path)/qlog/\(name)")))
        #expect(seen[addresses.server] == Set(log.packets("transport:packet_sent")))
        // What comes when the connection is closed is on the wire and in no log.
        let received = Set(log.packets("transport:packet_received"))
        #expect(!received.isEmpty && received.isSubset(of: seen[addresses.client] ?? []))
    }

    /// Those of 1-RTT packets, by where the packets went.
    private func packetNumbers(_ capture: String, _ keys: String) async throws -> [String: Set<UInt64>] {
        let fields = ["-Y", "quic.short", "-T", "fields", "-e", "ip.dst", "-e", "quic.packet_number"]
        var seen: [String: Set<UInt64>] = [:]
        for line in try await tshark(capture, fields, keys: keys).split(separator: "\n") {
            let columns = line.split(separator: "\t")
            try #require(columns.count == 2, "an encrypted packet number: \(line)")
            seen[String(columns[0]), default: []].formUnion(columns[1].split(separator: ",").compactMap { UInt64($0) })
        }
        return seen
    }

    @Test("a file that can't be written ends a program before the test", arguments: ["client", "serve", "handshakes"])
    func unusable(command: String) async throws {
        let port = try SilentPort(.closed)
        let arguments = command == "serve" ? ["-p", "0"] : ["127.0.0.1", "-p", "\(port.number)"]
        let outcome = try await QrateProgram.run(
            [command] + arguments, variables: ["SSLKEYLOGFILE": "/nonexistent/keys"])
        outcome.expectFailure(65, saying: "/nonexistent/keys")
    }

    @Test("where there is nothing to encrypt, the file isn't made", arguments: ["--tcp", "--udp"])
    func bareTransports(transport: String) async throws {
        let place = try TemporaryDirectory()
        try await withServer { server in
            let result = try await server.client(
                [transport, "-n", "10000", "--json"], variables: ["SSLKEYLOGFILE": place.path + "/keys"]
            ).success()
            #expect(result.warnings?.contains { $0.code == "key_log" } == false)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).isEmpty)
    }

    @Test("handshakes log theirs, and say so", arguments: ["--quic", "--tls"])
    func handshakes(transport: String) async throws {
        let place = try TemporaryDirectory()
        try await withServer { server in
            let outcome = try await QrateProgram.run(
                ["handshakes", "127.0.0.1", "-p", "\(server.port)", "-n", "3", transport, "--json"],
                state: server.clientState, variables: ["SSLKEYLOGFILE": place.path + "/keys"])
            #expect(outcome.status == 0, "\(outcome.errors)")
            try await expectValid(outcome.output, schema: "handshakes")
            #expect(outcome.output.contains(#""code" : "key_log""#) || outcome.output.contains(#""code":"key_log""#))
        }
        let file = try Data(contentsOf: URL(filePath: place.path + "/keys"))
        let lines = String(decoding: file, as: UTF8.self).split(separator: "\n")
        let sessions = Dictionary(grouping: lines) { $0.split(separator: " ")[1] }
        #expect(sessions.count >= 7, "the first connection's, and three of each kind")
        // Those that resume a session have two more, of the early data that they might have sent.
        #expect(sessions.values.allSatisfy { [5, 7].contains($0.count) })
        #expect(sessions.values.count { $0.count == 7 } >= 3)
    }
}

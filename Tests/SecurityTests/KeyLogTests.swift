import Glibc
import QrateMeasurement
import QrateSecurity
import QrateTestSupport
import Testing

@Suite("a key log") struct KeyLogTests {
    /// The names that NSS gave to what TLS 1.3 derives without a session to resume (RFC 9850).
    private static let labels: Set<String> = [
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
    ]

    /// And where a session is resumed, because early data could be sent.
    private static let earlyLabels: Set<String> = ["CLIENT_EARLY_TRAFFIC_SECRET", "EARLY_EXPORTER_SECRET"]

    private let credentials: ServerCredentials

    init() throws { credentials = ServerCredentials(try serverIdentity(.selfSigned())) }

    private func lines(_ path: String) throws -> [String] { try text(of: path).split(separator: "\n").map(String.init) }

    @Test(
        "has the same secrets from both ends, also of a resumed session",
        arguments: [nil, .aes256gcm] as [CipherSuite?])
    func bothEnds(cipher: CipherSuite?) throws {
        let directory = try TemporaryDirectory()
        let files = (client: directory.path + "/client", server: directory.path + "/server")
        let client = try KeyLog.open(files.client), server = try KeyLog.open(files.server)
        let sessions = SessionMemory()
        var count = 0
        for round in 1...3 {
            let pair = try TLSPair(
                credentials, cipher: cipher, sessions: sessions, clientKeyLog: client, serverKeyLog: server)
            pair.run()
            _ = try pair.client.read()
            #expect(try #require(pair.client.connection).isResumed == (round > 1))
            #expect(pair.client.connection?.logsKeys == true && pair.server.connection?.logsKeys == true)
            let clients = try lines(files.client), servers = try lines(files.server)
            let expected = round == 1 ? Self.labels : Self.labels.union(Self.earlyLabels)
            #expect(clients.count == count + expected.count)
            count = clients.count
            #expect(Set(clients) == Set(servers) && clients.count == servers.count)
            let last = clients.suffix(expected.count).map { $0.split(separator: " ") }
            #expect(Set(last.map { String($0[0]) }) == expected)
            #expect(Set(last.map { $0[1] }).count == 1, "one client random per session")
            #expect(last.allSatisfy { $0.count == 3 && $0[1].count == 64 && $0[2].count == (cipher == nil ? 64 : 96) })
            #expect(last.allSatisfy { $0[1...2].joined().allSatisfy { "0123456789abcdef".contains($0) } })
        }
        #expect(client.failure == nil && server.failure == nil)
        #expect(try mode(of: files.client) == 0o600)
    }

    @Test("goes on behind what is there")
    func appends() throws {
        let directory = try TemporaryDirectory()
        let file = directory.path + "/keys"
        try write("# mine\n", to: file)
        let pair = try TLSPair(credentials, clientKeyLog: try KeyLog.open(file))
        pair.run()
        let lines = try lines(file)
        #expect(lines.first == "# mine")
        #expect(lines.count == 1 + Self.labels.count)
    }

    @Test("that can't be written is refused", arguments: ["", "none/keys"])
    func unusable(name: String) throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: SecurityError.self) { try KeyLog.open("\(directory.path)/\(name)") }
        #expect(error?.kind == .badInput)
        #expect(error?.message.contains(directory.path) == true)
    }

    @Test("says when a line couldn't be written")
    func full() throws {
        let log = try KeyLog.open("/dev/full")
        #expect(log.failure == nil)
        let pair = try TLSPair(credentials, serverKeyLog: log)
        pair.run()
        #expect(pair.client.connection != nil, "a log that is full ends no test")
        #expect(log.failure == String(cString: strerror(ENOSPC)))
    }
}

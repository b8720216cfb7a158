import Glibc
import QrateSockets
import QrateTestSupport
import Testing

@Suite("qrate against servers that are none of its kind") struct ForeignServerTests {
    @Test("ngtcp2's gtlsserver speaks QUIC, but another protocol over it")
    func gtlsserver() async throws {
        let directory = try TemporaryDirectory()
        let files = try TestCertificate.selfSigned().writePEM(to: directory.path)
        try await withForeignServer({ ["/usr/sbin/gtlsserver", "127.0.0.1", "\($0)", files.key, files.chain] }) {
            port in
            let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port)"])
            guard !client.errors.contains("nothing listens") else { return false }
            #expect(client.status == 76)
            #expect(client.errors.contains("127.0.0.1:\(port)"))
            #expect(client.errors.contains("ALPN"))
            #expect(client.output == "")
            let json = try await QrateProgram.run(["127.0.0.1", "-p", "\(port)", "--json"])
            #expect(json.status == 76)
            #expect(json.output.contains("\"kind\" : \"protocol\""))
            return true
        }
    }

    @Test("iperf3 has TCP on the port and nothing on UDP")
    func iperf3() async throws {
        try await withForeignServer({ ["/usr/bin/iperf3", "-s", "-p", "\($0)"] }) { port in
            let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port)"])
            guard !client.errors.contains("nothing listens") else { return false }
            #expect(client.status == 69)
            #expect(client.errors.contains("no answer on UDP 127.0.0.1:\(port)"))
            #expect(client.errors.contains("iperf3"))
            #expect(client.errors.contains("--tcp"))
            return true
        }
    }

    /// Runs a server that can't choose a port itself and doesn't say when it listens.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments for a port. Where the port is taken meanwhile, another is tried.
    ///   - body: Called until it has found the server, which it tells.
    private func withForeignServer(_ command: (UInt16) -> [String], _ body: (UInt16) async throws -> Bool) async throws
    {
        for _ in 0..<10 {
            let port = try FreePort.find()
            let command = command(port)
            let isDone = try await withProgram(command[0], Array(command.dropFirst())) { server in
                while server.isRunning {
                    if try await body(port) { return true }
                }
                return false
            }
            if isDone { return }
        }
        Issue.record("the server never listened")
    }
}

enum FreePort {
    /// A port that is free for TCP and UDP now.
    static func find() throws -> UInt16 { try StreamListenerSocket.everywhere(port: 0).port }
}

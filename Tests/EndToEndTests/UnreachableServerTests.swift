import Glibc
import QrateTestSupport
import Testing

@Suite("a server that can't be reached", .fewAtATime) struct UnreachableServerTests {
    @Test("a name that doesn't exist")
    func unknownHost() async throws {
        // No name server is asked about a name that can't be one (RFC 1035 §2.3.4: a label has 63 octets at most).
        let host = String(repeating: "a", count: 64) + ".invalid"
        let client = try await QrateProgram.run([host])
        client.expectFailure(69, saying: "cannot find \(host): ")
    }

    @Test("nothing listens")
    func nothingListens() async throws {
        let port = try SilentPort(.closed)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)"])
        client.expectFailure(69, saying: "nothing listens on UDP 127.0.0.1:\(port.number)", "`qrate serve`")
    }

    @Test("TCP answers and UDP doesn't")
    func onlyTCP() async throws {
        let port = try SilentPort(.tcpOnly)
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)"])
        client.expectFailure(69, saying: "no answer on UDP 127.0.0.1:\(port.number)", "TCP answers there", "--tcp")
    }

    @Test("something answers that isn't QUIC")
    func notQUIC() async throws {
        let port = try SilentPort(.answers { _ in Array("who is there?".utf8) })
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)", "--connect-timeout", "1s"])
        client.expectFailure(69, saying: "no answer on UDP 127.0.0.1:\(port.number) within 1")
    }

    @Test("something sends the client's own datagrams back, damaged or not", arguments: [0, 7, 600])
    func echo(damaged: Int) async throws {
        let port = try SilentPort(
            .answers { datagram in
                var answer = datagram
                if damaged > 0, damaged < answer.count { answer[damaged] ^= 0xff }
                return answer
            })
        let client = try await QrateProgram.run(["127.0.0.1", "-p", "\(port.number)", "--connect-timeout", "1s"])
        client.expectFailure(69, saying: "127.0.0.1:\(port.number)")
    }

    @Test("a port that is taken: the second server names it and says what to do")
    func portInUse() async throws {
        try await withServer { server in
            let second = try await QrateProgram.run(["serve", "-p", "\(server.port)"])
            second.expectFailure(69, saying: "port \(server.port) is in use", "-p")
            #expect(second.output == "")
        }
    }

    @Test("no other program can listen on a server's port, not for TCP either")
    func portHeld() async throws {
        try await withServer { server in
            let failure = #expect(throws: SilentPort.Failure.self) { try SilentPort(.tcpServer(server.port)) }
            #expect(failure?.errno == EADDRINUSE)
        }
    }

    @Test("a port that a TCP program has is not free for QUIC either")
    func portOfTCP() async throws {
        let port = try SilentPort(.tcpOnly)
        let server = try await QrateProgram.run(["serve", "-p", "\(port.number)"])
        server.expectFailure(69, saying: "TCP port \(port.number) is in use")
    }
}

import FoundationEssentials
import Glibc
import QrateMeasurement
import QrateQUICCore
import QrateQUICDriver
import QrateSecurity
import QrateSockets
import QrateTestSupport
import Testing

/// Clients that say hello and then nothing.
@Suite("a thousand idle clients", .fewAtATime) struct IdleConnectionTests {
    private static let clients = 1000

    @Test("cost a server less than 256 KiB each over QUIC, and the next thousand hardly more", .timeLimit(.minutes(12)))
    func quic() async throws {
        try await withServer { server in
            let before = try server.residentMemory()
            let crowd = try QUICCrowd(server.port)
            try await crowd.greet(Self.clients)
            let first = try server.residentMemory()
            await crowd.leave()
            try await server.events("refused", count: Self.clients)

            let others = try QUICCrowd(server.port)
            try await others.greet(Self.clients)
            let second = try server.residentMemory()
            await others.leave()
            expectBounded(before: before, first: first, second: second, each: 256 << 10)
            let outcome = try await server.client(["-n", "100000"])
            #expect(outcome.status == 0, "\(outcome.errors)")
        }
    }

    /// Memory that is free again stays with the allocator, in pieces: a second crowd finds most of what it needs there.
    private func expectBounded(before: Int, first: Int, second: Int, each: Int) {
        #expect(first - before < Self.clients * each, "\(first - before) bytes")
        #expect(second - first < Self.clients * each / 2, "\(second - first) bytes more")
    }
}

extension ServerProcess {
    /// Bytes, without what of its program file is in memory.
    fileprivate func residentMemory() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(program.id)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
        let kibibytes = line.split(separator: " ").compactMap { Int($0) }.first
        return try #require(kibibytes) << 10
    }
}

/// Many connections from one socket and one thread.
private final class QUICCrowd: Sendable {
    static let hello = Array(
        #"{"type":"hello","version":"1.1","client":"crowd/1","capabilities":["qrate_v1"]}"#.utf8 + [0x0a])
    /// Few handshakes at a time: none is to wait for the others until it is given up.
    private static let mostUnderWay = 16

    private let endpoint: QUICEndpoint
    private let local: SocketAddress
    private let remote: SocketAddress

    init(_ port: UInt16) throws {
        remote = try #require(SocketAddress(literal: "127.0.0.1", port: port))
        let socket = try DatagramSocket.connected(to: remote, DatagramSocket.Options())
        local = try socket.localAddress()
        endpoint = try QUICEndpoint(socket, name: "crowd")
    }

    /// Returns when so many have been answered.
    func greet(_ count: Int) async throws {
        let (answers, answer) = AsyncStream.makeStream(of: Bool.self)
        for _ in 0..<min(count, Self.mostUnderWay) { try await add(answer) }
        var begun = min(count, Self.mostUnderWay)
        var answered = 0
        for await isGreeted in answers {
            try #require(isGreeted, "a connection ended unanswered, after \(answered)")
            answered += 1
            if answered == count { return }
            if begun < count {
                begun += 1
                try await add(answer)
            }
        }
    }

    func leave() async { await endpoint.stop() }

    private func add(_ answer: AsyncStream<Bool>.Continuation) async throws {
        let isMade = await endpoint.ask { [local, remote] loop in
            let made = local.withBytes { local in
                remote.withBytes { remote in
                    try? QUICConnection.client(
                        local: local, remote: remote, identity: ClientIdentity(),
                        trust: ServerTrust(.insecure, endpoint: "crowd"), serverName: nil,
                        applicationProtocols: ["qrate/1"], settings: ConnectionSettings(), now: MonotonicClock.now())
                }
            }
            if let made { loop.add(made) { _ in Greeter(answer) } }
            return made != nil
        }
        try #require(isMade == true)
    }

    /// Says hello, and tells when it is answered.
    private final class Greeter: QUICConnectionHandler {
        private var answer: AsyncStream<Bool>.Continuation?
        let deadline = MonotonicTime.never

        init(_ answer: AsyncStream<Bool>.Continuation) { self.answer = answer }

        func handle(_ event: QUICEvent, _ connection: QUICConnection, now: MonotonicTime) {
            switch event {
            case .handshakeCompleted:
                try? connection.openControl()
                connection.sendControl(QUICCrowd.hello)
            case .control: tell(true)
            case .ended: tell(false)
            default: break
            }
        }

        private func tell(_ isGreeted: Bool) {
            answer?.yield(isGreeted)
            answer = nil
        }

        func willReceive(_ connection: QUICConnection, now: MonotonicTime) {}
        func willTurn(_ connection: QUICConnection, now: MonotonicTime) {}
        func didTurn(_ connection: QUICConnection, now: MonotonicTime) {}
        func peerUnreachable(_ connection: QUICConnection, now: MonotonicTime) {}
    }
}

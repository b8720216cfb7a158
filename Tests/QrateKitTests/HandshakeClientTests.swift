import QrateKit
import QrateTestSupport
import Synchronization
import Testing

@Suite("the library: handshakes with a server in the same process", .timeLimit(.minutes(2)))
struct HandshakeClientTests {
    private func configuration(
        _ server: TestConfiguration, _ parameters: HandshakeParameters
    ) -> HandshakeConfiguration {
        HandshakeConfiguration(
            host: server.host, port: server.port, parameters: parameters, stateDirectory: server.stateDirectory)
    }

    @Test("both kinds, each by its number", arguments: [TransportKind.quic, .tls], [1, 4])
    func count(transport: TransportKind, parallel: Int) async throws {
        try await withServer { server, target in
            let client = try HandshakeClient(
                configuration(
                    target,
                    HandshakeParameters(transport: transport, duration: nil, count: 30, parallel: parallel)))
            let seen = Mutex<[HandshakePhaseReport]>([])
            let report = await client.run { event in
                if case .phaseEnded(let phase) = event { seen.withLock { $0.append(phase) } }
            }
            #expect(report.failure == nil, "\(String(describing: report.failure))")
            #expect(report.phases.map(\.kind) == [.cold, .resumed])
            #expect(report.phases == seen.withLock { $0 })
            #expect(report.server?.software == report.client.software)
            #expect(report.security?.verification == .firstUse)
            #expect(report.security.map { "sha256:" + $0.fingerprint } == server.fingerprint)
            for phase in report.phases {
                #expect(phase.completed == 30)
                #expect(phase.failed == 0 && phase.mistaken == 0)
                #expect((phase.perSecond ?? 0) > 0)
                let latency = try #require(phase.latency)
                #expect(latency.minimum > .zero && latency.minimum <= latency.median)
                #expect(latency.median <= latency.percentile90 && latency.percentile90 <= latency.percentile99)
                #expect(latency.percentile99 <= latency.maximum)
                #expect((phase.connectLatency != nil) == (transport == .tls))
                #expect((phase.clientCPU ?? .zero) > .zero)
                #expect((phase.serverCPU ?? .zero) > .zero)
            }
        }
    }

    @Test("a time is shared by the kinds, and may be spent on one alone")
    func time() async throws {
        try await withServer { _, target in
            for kinds in [[HandshakeKind.cold], [.resumed], [.cold, .resumed]] {
                let parameters = HandshakeParameters(kinds: kinds, duration: .milliseconds(300))
                let report = try await HandshakeClient(configuration(target, parameters)).run()
                #expect(report.failure == nil)
                #expect(report.phases.map(\.kind) == kinds)
                #expect(report.phases.allSatisfy { $0.completed > 0 })
            }
        }
    }

    @Test("hundreds of them are no session and no test, and nothing to tell an operator")
    func nothingToTell() async throws {
        let events = Mutex(0)
        try await withServer(observe: { _ in events.withLock { $0 += 1 } }) { server, target in
            for transport in [TransportKind.quic, .tls] {
                let parameters = HandshakeParameters(transport: transport, duration: nil, count: 300, parallel: 4)
                let report = try await HandshakeClient(configuration(target, parameters)).run()
                #expect(report.failure == nil)
                #expect(report.phases.map(\.completed) == [300, 300])
                #expect(server.runningTests == 0)
            }
        }
        #expect(events.withLock { $0 } == 0)
    }

    @Test("a server that demands certificates resumes nothing, and says so in the end")
    func noTickets() async throws {
        let directory = try TemporaryDirectory()
        let authority = try TestCertificate.authority()
        let known = try authority.writePEM(to: directory.path, name: "authority")
        let files = try authority.issue(.init("a client", names: [], purpose: .client))
            .writePEM(to: directory.path, name: "client")
        try await withServer {
            $0.clientAuthorities = known.chain
        } _: { _, target in
            var mine = configuration(target, HandshakeParameters(transport: .tls, duration: nil, count: 3))
            let without = try await HandshakeClient(mine).run()
            #expect(without.failure?.kind == .permission)
            #expect(without.phases.isEmpty)

            mine.certificate = CertificateFiles(chain: files.chain, key: files.key)
            let report = try await HandshakeClient(mine).run()
            #expect(report.phases.first?.completed == 3)
            #expect(report.phases.last?.failures == [.noTicket: 10])
            #expect(report.failure?.kind == .failed)
            #expect(report.failure?.message.contains("no session ticket") == true)
        }
    }

    @Test("a cancelled measurement gives what it has", arguments: [TransportKind.quic, .tls])
    func cancelled(transport: TransportKind) async throws {
        try await withServer { _, target in
            let client = try HandshakeClient(
                configuration(target, HandshakeParameters(transport: transport, duration: .seconds(600), count: nil)))
            let report = await client.run { event in
                if case .phaseBegan = event { client.cancel() }
            }
            #expect(report.failure?.kind == .interrupted)
            #expect(report.phases.count <= 1)
        }
    }

    @Test("a server that stops in the middle ends it, with what was measured", arguments: [TransportKind.quic, .tls])
    func stopped(transport: TransportKind) async throws {
        try await withServer { server, target in
            let parameters = HandshakeParameters(transport: transport, kinds: [.resumed], duration: .seconds(600))
            let report = try await HandshakeClient(configuration(target, parameters)).run { event in
                if case .phaseBegan = event { server.stop() }
            }
            #expect(report.failure?.kind == .failed)
            #expect(report.phases.count == 1)
            #expect(report.phases.first?.serverCPU == nil)
        }
    }

    @Test(
        "what can't be run is refused before anything is sent",
        arguments: [
            HandshakeConfiguration(host: ""),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(transport: .tcp)),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(transport: .udp)),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(parallel: 33)),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(duration: nil)),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(count: 0)),
            HandshakeConfiguration(host: "localhost", parameters: HandshakeParameters(kinds: [])),
            HandshakeConfiguration(host: "localhost", local: LocalAddress(port: 5000)),
        ])
    func refused(configuration: HandshakeConfiguration) {
        let failure = #expect(throws: TestFailure.self) { try HandshakeClient(configuration) }
        #expect(failure?.kind == .usage)
    }
}

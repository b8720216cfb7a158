import FoundationEssentials
import QrateTestSupport
import Synchronization
import Testing

@testable import QrateKit

@Suite("the library: the self-test", .timeLimit(.minutes(2))) struct SelfTestTests {
    @Test("every transport carries something over the loopback, and the host says what it is")
    func whole() async throws {
        let events = Mutex<[String]>([])
        let report = try await SelfTest(duration: .milliseconds(100)).run { event in
            events.withLock { events in
                switch event {
                case .inspected: events.append("inspected")
                case .testBegan(let transport): events.append("began \(transport)")
                case .testEnded(let figure): events.append("ended \(figure.transport)")
                }
            }
        }
        #expect(report.failure == nil)
        #expect(!report.hasFault, "\(report.findings)")
        #expect(report.loopback.map(\.transport) == [.quic, .tls, .tcp, .udp])
        for figure in report.loopback {
            #expect((figure.throughput?.bitsPerSecond ?? 0) > 0)
            #expect((figure.cipher != nil) == [.quic, .tls].contains(figure.transport))
            #expect((figure.lossRatio != nil) == (figure.transport == .udp))
        }
        let names = ["quic", "tls", "tcp", "udp"]
        #expect(events.withLock { $0 } == ["inspected"] + names.flatMap { ["began \($0)", "ended \($0)"] })
        #expect((report.host.platform.processorCount ?? 0) > 0)
        #expect((report.host.buffers?.receive.bytes ?? 0) > 0)
        #expect(report.host.congestion.available.contains("reno"))
        #expect(report.host.clock.resolution.map { $0 > .zero } == true)
        #expect(report.host.encryption.library != nil)
        // It says so itself.
        #expect(report.findings.contains { $0.code == "debug_build" } == (QrateVersion.build == "debug"))
    }

    @Test("cancelled, it ends with what it has")
    func cancelled() async throws {
        let test = try SelfTest(duration: .seconds(60))
        let report = await test.run { event in
            if case .testBegan(.tls) = event { test.cancel() }
            if case .testBegan(.quic) = event { Task { test.cancel() } }
        }
        #expect(report.failure?.kind == .interrupted)
        #expect(report.loopback == [])
        #expect(report.host.platform.processorCount != nil)
    }

    @Test("a length that makes no sense is refused", arguments: [Duration.zero, .milliseconds(99), .seconds(61)])
    func length(duration: Duration) {
        let failure = #expect(throws: TestFailure.self) { try SelfTest(duration: duration) }
        #expect(failure?.kind == .usage)
    }

    // MARK: What is remarked

    private func codes(_ change: (inout SelfTestReport) -> Void) -> [String] {
        var report = SelfTestReport(startedAt: 0, software: "", duration: .seconds(1))
        report.host.buffers = SelfTestHost.Buffers(asked: 8_388_608, receive: 16_777_216, send: 16_777_216)
        report.host.encryption.hasAESInstructions = true
        report.host.encryption.shareOfGnuTLS = 0.5
        change(&report)
        return SelfTestFinding.all(in: report).map(\.code)
    }

    @Test("each fault and hint has its cause, and faults come first")
    func findings() {
        #expect(codes { _ in } == [])
        #expect(codes { $0.host.buffers?.receive = 425_984 } == ["small_receive_buffer"])
        #expect(codes { $0.host.buffers?.send = 425_984 } == ["small_send_buffer"])
        #expect(codes { $0.host.buffers = nil } == ["no_udp"])
        #expect(codes { $0.host.offloads.segmentation = false } == ["no_gso"])
        #expect(codes { $0.host.offloads.receive = false } == ["no_gro"])
        #expect(codes { $0.host.congestion.canUseCommonController = false } == ["no_common_controller"])
        #expect(codes { $0.host.clock.source = "hpet" } == ["slow_clock"])
        #expect(codes { $0.host.clock.reading = .nanoseconds(900) } == ["slow_clock"])
        #expect(codes { $0.host.clock.source = "kvm-clock" } == [])
        #expect(codes { $0.host.encryption.hasAESInstructions = false } == ["no_aes_instructions"])
        #expect(codes { $0.host.encryption.disagrees = true } == ["aead_disagrees"])
        #expect(codes { $0.host.platform.processorCount = 1 } == ["one_processor"])
        #expect(codes { $0.host.platform.build = "debug" } == ["debug_build"])
        let failed = codes { report in
            report.host.offloads.receive = false
            var quic = LoopbackFigure(.quic)
            quic.failure = TestFailure(.failed, "why")
            report.loopback = [quic, LoopbackFigure(.tcp)]
        }
        #expect(failed == ["loopback_failed", "nothing_received", "no_gro"])
    }

    @Test("what to do about small buffers is a line to copy")
    func advice() throws {
        var report = SelfTestReport(startedAt: 0, software: "", duration: .seconds(1))
        report.host.buffers = SelfTestHost.Buffers(asked: 8_388_608, receive: 425_984, send: 16_777_216)
        let hint = try #require(SelfTestFinding.all(in: report).first)
        #expect(hint.message.contains("208 KiB where 8192 KiB"))
        #expect(hint.message.contains("`sysctl -w net.core.rmem_max=8388608`"))
    }
}

@Suite("the library: files that a user names") struct InputFileTests {
    @Test("are read whole, up to the limit")
    func whole() async throws {
        let directory = try TemporaryDirectory()
        let text = String(repeating: "0123456789", count: 20_000)
        try directory.write(text, to: "a")
        #expect(try await InputFile.read(directory.path + "/a", limit: 200_000) == Array(text.utf8))
        let failure = await #expect(throws: TestFailure.self) {
            try await InputFile.read(directory.path + "/a", limit: 199_999)
        }
        #expect(failure?.kind == .badInput)
    }

    @Test("are named when they can't be read", arguments: ["/", "/nonexistent/a.json"])
    func missing(path: String) async {
        let failure = await #expect(throws: TestFailure.self) { try await InputFile.read(path, limit: 1) }
        #expect(failure?.kind == .badInput)
        #expect(failure?.message.contains(path) == true)
    }

    @Test("have an end, also those that haven't")
    func endless() async {
        let failure = await #expect(throws: TestFailure.self) { try await InputFile.read("/dev/zero", limit: 1 << 20) }
        #expect(failure?.message.contains("1 MiB") == true)
    }
}

@Suite("the library: a server for this host alone") struct LocalServerTests {
    @Test("listens on 127.0.0.1 and nowhere else, and keeps no certificate", .timeLimit(.minutes(1)))
    func local() async throws {
        let directory = try TemporaryDirectory()
        var configuration = ServerConfiguration(port: 0)
        configuration.isLocal = true
        configuration.keepsCertificate = false
        configuration.stateDirectory = directory.path + "/none"
        let server = try await TestServer.start(configuration)
        let serving = Task { await server.run() }
        // IPv6's own address, which a server for everybody answers at.
        var elsewhere = TestConfiguration(host: "::1", port: server.port, connectTimeout: .seconds(2))
        elsewhere.parameters.transport = .tcp
        elsewhere.parameters.limit = .bytes(1000)
        #expect(try await TestClient(elsewhere).run().failure?.kind == .unreachable)
        var here = elsewhere
        here.host = "127.0.0.1"
        #expect(try await TestClient(here).run().failure == nil)
        server.stop()
        await serving.value
        #expect(!FileManager.default.fileExists(atPath: directory.path + "/none"))
    }
}

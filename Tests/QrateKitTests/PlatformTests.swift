import QrateKit
import QrateTestSupport
import Testing

@Suite("program and machine, as a result tells them", .timeLimit(.minutes(1))) struct PlatformTests {
    @Test("both ends say what they run on; here it is the same", arguments: [TransportKind.quic, .tcp])
    func bothEnds(transport: TransportKind) async throws {
        try await withServer { _, configuration in
            var configuration = configuration
            configuration.parameters = TestParameters(transport: transport, limit: .bytes(1000))
            let report = try await TestClient(configuration).run()
            let platform = try #require(report.client.platform)
            #expect(report.server?.platform == platform)
            #expect(platform.build == QrateVersion.build)
            #expect(platform.kernel?.hasPrefix("Linux ") == true)
            #expect(platform.architecture?.isEmpty == false)
            #expect((platform.processorCount ?? 0) > 0)
            for version in [platform.ngtcp2, platform.gnutls] {
                #expect(version?.split(separator: ".").count == 3, "\(version ?? "nil")")
            }
            #expect(report.isLoopback == true)
            #expect(report.warnings.contains { $0.code == "debug_build" } == (platform.build == "debug"))
        }
    }
}

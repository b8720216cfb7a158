import QrateMeasurement
import Testing

@testable import QrateOrchestration

@Suite("whether two tests of a round were made alike") struct ComparabilityTests {
    private func test(_ transport: TransportKind, _ change: (inout TestReport) -> Void = { _ in }) -> TestReport {
        var client = EndReport(software: "qrate/0.1.0")
        client.settings.congestionController = "cubic"
        client.settings.aead = transport == .tcp ? nil : "gnutls"
        if transport == .quic { client.settings.maxUDPPayload = 1444 } else { client.settings.maxSegmentSize = 1448 }
        var report = TestReport(
            id: "a", startedAt: 0, parameters: TestParameters(transport: transport), client: client, server: client)
        if transport != .tcp {
            report.security = SecurityReport(
                protocolVersion: "TLS 1.3", cipher: "AES-128-GCM", applicationProtocol: "qrate/1",
                verification: .pinned, fingerprint: "")
        }
        change(&report)
        return report
    }

    private typealias Difference = ComparabilityDifference

    @Test("QUIC, TLS and TCP at their defaults are", arguments: [Direction.upload, .download])
    func alike(direction: Direction) {
        let tests = [test(.quic), test(.tls), test(.tcp)]
        for one in tests {
            for other in tests { #expect(Comparability.differences(one, other, direction) == []) }
        }
    }

    @Test("the sender's congestion controller counts, in each direction its own sender's")
    func congestion() {
        let other = test(.tcp) { $0.server?.settings.congestionController = "bbr" }
        #expect(Comparability.differences(test(.quic), other, .upload) == [])
        #expect(
            Comparability.differences(test(.quic), other, .download)
                == [Difference(.congestionController, "cubic", "bbr")])
    }

    @Test("what one of them doesn't tell is no difference")
    func unknown() {
        let quiet = test(.tls) { report in
            report.server = nil
            report.client.settings = EffectiveSettings()
            report.security = nil
        }
        #expect(Comparability.differences(test(.quic), quiet, .upload) == [])
        #expect(Comparability.differences(quiet, test(.quic), .download) == [])
    }

    @Test("packets may differ by a tenth", arguments: [(1444, false), (1313, false), (1312, true), (9000, true)])
    func packets(size: UInt64, isDifferent: Bool) {
        let other = test(.tcp) { $0.client.settings.maxSegmentSize = ByteCount(size) }
        let differences = Comparability.differences(test(.quic), other, .upload)
        #expect(differences == (isDifferent ? [Difference(.packetSize, "1444", "\(size)")] : []))
    }

    @Test("each other condition is named")
    func others() {
        func fields(_ change: (inout TestReport) -> Void) -> [Difference] {
            Comparability.differences(test(.tls), test(.tls, change), .upload)
        }
        #expect(fields { $0.security?.cipher = "AES-256-GCM" } == [Difference(.cipher, "AES-128-GCM", "AES-256-GCM")])
        #expect(fields { $0.client.settings.aead = "libipsec-mb" } == [Difference(.aead, "gnutls", "libipsec-mb")])
        #expect(fields { $0.server?.settings.aead = "libipsec-mb" } == [Difference(.aead, "gnutls", "libipsec-mb")])
        #expect(fields { $0.parameters.streams = 4 } == [Difference(.connections, "1", "4")])
        #expect(fields { $0.client.settings.usesZeroCopy = true } == [Difference(.zeroCopy, "no", "yes")])
        #expect(fields { $0.server?.settings.skipsReceiveCopy = true } == [Difference(.skipsReceiveCopy, "no", "yes")])
        let marked = test(.tls) { $0.client.settings.typeOfService = 184 }
        #expect(fields { $0.client.settings.typeOfService = 184 } == [], "where one says nothing nothing is known")
        let unmarked = test(.tls) { $0.client.settings.typeOfService = 0 }
        #expect(Comparability.differences(marked, unmarked, .upload) == [Difference(.typeOfService, "184", "0")])
    }

    @Test("four streams of QUIC share one connection, those of TCP have one each, and QUIC's datagrams aren't repeated")
    func flows() {
        let quic = test(.quic) { $0.parameters.streams = 4 }, tcp = test(.tcp) { $0.parameters.streams = 4 }
        #expect(Comparability.differences(quic, tcp, .upload) == [Difference(.connections, "1", "4")])
        let four = test(.quic) {
            $0.parameters.streams = 4
            $0.parameters.settings.connections = 4
        }
        #expect(Comparability.differences(four, tcp, .upload) == [])
        let datagrams = test(.quic) { $0.parameters.settings.usesDatagrams = true }
        #expect(
            Comparability.differences(datagrams, test(.tcp), .upload)
                == [Difference(.reliability, "datagrams", "streams")])
    }
}

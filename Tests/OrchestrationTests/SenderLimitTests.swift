import QrateControlProtocol
import QrateMeasurement
import QrateTransportAPI
import Testing

@testable import QrateOrchestration

@Suite("what limited the server, as it tells") struct SenderLimitTests {
    private func path(_ second: Int, flowControl: Int, cpu: Int) -> WirePath {
        var path = WirePath(startMilliseconds: 0, endMilliseconds: Double(second) * 1000, quic: WirePath.QUIC())
        path.limits = WireLimits(
            LimitShares([.flowControl: .milliseconds(flowControl), .cpu: .milliseconds(cpu), .idle: .zero]))
        return path
    }

    private func report(
        _ parameters: TestParameters, rows: [WirePath], last: WirePath
    ) -> (TestReport, [IntervalReport]) {
        var client = MachineHarness(ClientMachine(id: "t", startedAt: 0, host: "h", parameters: parameters))
        client.feed(.connected(PeerIdentity(address: "192.0.2.7:5201")))
        client.feed(.received(.hello(.qrateServer)))
        client.feed(.received(.testAck(TestAck(id: "t", dataPorts: []))))
        client.feed(.planeReady(DataOffer(), PlaneSample()))
        for (index, path) in rows.enumerated() {
            client.feed(
                .plane(
                    .interval(
                        ReceivedInterval(
                            start: .seconds(index), end: .seconds(index + 1), isWarmUp: false, streams: [500]))))
            let message = IntervalMessage(
                id: "t", elapsedMilliseconds: 0, streams: [], aggregate: .init(bytes: 0, throughputMbps: 0),
                qrate: .init(path: path))
            client.feed(.received(.interval(message)))
        }
        client.feed(
            .plane(
                .receiversDone(
                    ReceivedTotals(
                        measured: [1000], warmUp: .zero, drained: .zero, duration: .seconds(2), isComplete: true))))
        let result = ResultMessage(
            id: "t", bytesTotal: 1000, durationMilliseconds: 2000, throughputMbps: 0, streams: [],
            qrate: .init(bytesSent: 1000, path: last))
        client.feed(.received(.result(result)))
        while !client.isFinished, client.advance() {}
        return (client.machine.report, client.machine.report.intervals)
    }

    private var chosenWindow: TestParameters {
        var parameters = TestParameters.seconds(2, .download)
        parameters.settings.window = 100_000
        return parameters
    }

    @Test("a row has what came since the row before, and the totals have all of it")
    func rows() throws {
        let (report, rows) = report(
            .seconds(2, .download), rows: [path(1, flowControl: 900, cpu: 100), path(2, flowControl: 1200, cpu: 800)],
            last: path(2, flowControl: 1200, cpu: 800))
        let limits = rows.compactMap(\.path?.limits)
        #expect(limits.map { $0[.flowControl] } == [.milliseconds(900), .milliseconds(300)])
        #expect(limits.map { $0[.cpu] } == [.milliseconds(100), .milliseconds(700)])
        #expect(limits.map { $0[.pacing] } == [nil, nil])
        #expect(report.downloadPath?.limits?[.flowControl] == .milliseconds(1200))
    }

    @Test("a window that somebody chose, and that was too small, is a warning; any other limit is none")
    func warning() throws {
        let small = path(2, flowControl: 1900, cpu: 100)
        let (limited, _) = report(chosenWindow, rows: [], last: small)
        let warning = try #require(limited.warnings.first)
        #expect(warning.code == "window_limited" && limited.warnings.count == 1)
        #expect(warning.message.contains("95 %") && warning.message.contains("-w 256K would help"))
        for (parameters, last) in [
            (chosenWindow, path(2, flowControl: 100, cpu: 1900)), (.seconds(2, .download), small),
        ] {
            #expect(report(parameters, rows: [], last: last).0.warnings == [])
        }
    }
}

import QrateMeasurement
import Testing

@Suite("losses told apart") struct LossReportTests {
    private func report(
        _ metrics: PathMetrics?, lost: Int64? = nil, drops: UInt64?, receiveOffload: Bool? = false
    ) -> TestReport {
        var report = TestReport(
            id: "t", startedAt: 0, parameters: TestParameters(), client: EndReport(software: "c"),
            server: EndReport(software: "s"))
        report.server?.settings.receiveOffload = receiveOffload
        var summary = DirectionSummary(bytesReceived: 1, duration: .seconds(1))
        if let lost {
            summary.datagrams = DatagramReport(received: 100, lost: lost)
            if case .udp = metrics { summary.datagrams?.receiveBufferDrops = drops }
        }
        if summary.datagrams?.receiveBufferDrops == nil { summary.receiveBufferDrops = drops }
        report.upload = summary
        report.uploadPath = metrics.map {
            PathReport(observedBy: .client, start: .zero, end: .seconds(1), metrics: $0)
        }
        return report
    }

    private func udp(_ drops: UInt64? = 0) -> PathMetrics {
        var metrics = UDPPathMetrics()
        metrics.sendDrops = drops
        return .udp(metrics)
    }

    private func quic(_ drops: UInt64? = 0) -> PathMetrics {
        var metrics = QUICPathMetrics()
        metrics.sendDrops = drops
        return .quic(metrics)
    }

    @Test("the network's part is what is left, where the receiver's drops are datagrams")
    func exact() {
        let losses = report(udp(3), lost: 30, drops: 26).losses(.upload)
        #expect(losses?.wire == 4)
        #expect(losses?.receiveBuffer == .exactly(26))
        #expect(losses?.sender == 3)
        #expect(report(udp(), lost: 30, drops: 30).losses(.upload)?.wire == 0)
        #expect(report(udp(), lost: 30, drops: 0, receiveOffload: true).losses(.upload)?.wire == 30)
    }

    @Test(
        "with receive offload a drop is one datagram or many, and the network's part isn't known",
        arguments: [true, nil])
    func merged(receiveOffload: Bool?) {
        let losses = report(udp(), lost: 30, drops: 2, receiveOffload: receiveOffload).losses(.upload)
        #expect(losses?.receiveBuffer == .atLeast(2))
        #expect(losses?.wire == nil)
    }

    @Test("what can't be isn't told: drops beyond the losses, a loss below zero, drops that nobody counted")
    func impossible() {
        #expect(report(udp(), lost: 3, drops: 5).losses(.upload)?.wire == nil)
        #expect(report(udp(), lost: -1, drops: 0).losses(.upload)?.wire == nil)
        let unknown = report(udp(), lost: 3, drops: nil).losses(.upload)
        #expect(unknown?.wire == nil && unknown?.receiveBuffer == nil && unknown?.sender == 0)
    }

    @Test("QUIC's datagrams that this host refused are among the lost, so that they hide the network's part")
    func quicDatagrams() {
        #expect(report(quic(0), lost: 9, drops: 2).losses(.upload)?.wire == 7)
        #expect(report(quic(1), lost: 9, drops: 2).losses(.upload)?.wire == nil)
        #expect(report(quic(nil), lost: 9, drops: 2).losses(.upload)?.wire == nil)
    }

    @Test("QUIC's streams have no numbers: the ends' drops are told, the network's aren't")
    func quicStreams() {
        let losses = report(quic(2), drops: 4).losses(.upload)
        #expect(losses?.receiveBuffer == .exactly(4))
        #expect(losses?.sender == 2)
        #expect(losses?.wire == nil)
    }

    @Test("TCP has none of it")
    func tcp() {
        #expect(report(.tcp(TCPPathMetrics()), drops: nil).losses(.upload) == nil)
        #expect(report(nil, drops: nil).losses(.download) == nil)
    }
}

import Testing

@testable import QrateKit
@testable import qrate

@Suite("what a server says of a test") struct ServeLogTests {
    private func test(_ parameters: TestParameters) -> TestServer.Test {
        TestServer.Test(id: "5b0f", peer: "192.0.2.7:40022", software: "qrate/0.1.0", parameters: parameters)
    }

    private func received(_ bytes: ByteCount, lost: Int64? = nil) -> DirectionSummary {
        DirectionSummary(
            bytesReceived: bytes, duration: .seconds(1),
            datagrams: lost.map { DatagramReport(received: UInt64(clamping: 1000 - $0), lost: $0) })
    }

    @Test("the rate is that of each direction that was tested")
    func rates() {
        var outcome = TestServer.Outcome(upload: received(125_000_000), download: received(12_500_000))
        #expect(ServeLog.received(test(TestParameters()), outcome) == "1.00 Gbit/s")
        #expect(ServeLog.received(test(TestParameters(direction: .download)), outcome) == "100 Mbit/s")
        let both = test(TestParameters(direction: .bidirectional))
        #expect(ServeLog.received(both, outcome) == "up 1.00 Gbit/s, down 100 Mbit/s")
        outcome.download = nil
        #expect(ServeLog.received(both, outcome) == "up 1.00 Gbit/s, down nothing measured")
    }

    @Test("loss is named where datagrams were counted")
    func loss() {
        let outcome = TestServer.Outcome(upload: received(125_000, lost: 25))
        #expect(ServeLog.received(test(TestParameters(transport: .udp)), outcome) == "1.00 Mbit/s, 2.50 % lost")
    }

    @Test(
        "the event of a finished test has its transport and each direction's counts, and no key for what wasn't counted"
    )
    func event() throws {
        let parameters = TestParameters(transport: .udp, direction: .bidirectional, streams: 2)
        let outcome = TestServer.Outcome(upload: received(125_000, lost: 25))
        let line = ServerEventLine("test_finished", test(parameters), outcome).encoded
        #expect(
            line == #"{"direction":"bidirectional","event":"test_finished","id":"5b0f","peer":"192.0.2.7:40022","#
                + #""streams":2,"transport":"udp","upload":{"bytes_received":125000,"datagrams_lost":25,"#
                + #""datagrams_received":975,"throughput_bps":1000000}}"#)
    }
}

import QrateControlProtocol
import QrateMeasurement
import Testing

@Suite("test_start and parameters") struct TestStartTests {
    /// What an xfr client sends for 10 s of upload, changed in one field.
    private func xfr(_ change: (inout TestStart) -> Void = { _ in }) -> TestStart {
        var start = TestStart(id: "T", transport: .quic, streams: 1, durationSeconds: 10, direction: .upload)
        change(&start)
        return start
    }

    private func qrate(duration: Double? = 10_000, warmUp: Double? = 0, interval: Double? = 1000) -> TestStart {
        xfr {
            $0.qrate = .init(
                durationMilliseconds: duration, warmUpMilliseconds: warmUp, intervalMilliseconds: interval)
        }
    }

    @Test(
        "parameters arrive as they were sent",
        arguments: [
            TestParameters(),
            TestParameters(direction: .download, streams: 128, limit: .duration(.milliseconds(1))),
            TestParameters(limit: .bytes(1), warmUp: .seconds(3), interval: .milliseconds(100)),
            TestParameters(
                streams: 4, limit: .whicheverFirst(.microseconds(1_234_567), ByteCount(.max)), warmUp: .milliseconds(1)),
            TestParameters(limit: .duration(.seconds(3599)), warmUp: .seconds(1), interval: .seconds(3600)),
        ])
    func roundTrip(parameters: TestParameters) throws {
        let line = try ControlCodec.encode(.testStart(TestStart(id: "T", parameters)))
        guard case .testStart(let start) = try ControlCodec.decode(line) else { Issue.record("\(line)"); return }
        #expect(try start.parameters() == parameters)
    }

    @Test(
        "whole seconds are rounded up and hold the warm-up, because an xfr server knows of none",
        arguments: [
            (.seconds(10), .zero, 10), (.milliseconds(10_001), .zero, 11), (.milliseconds(1), .zero, 1),
            (.nanoseconds(1), .zero, 1), (.milliseconds(9500), .milliseconds(500), 10), (.seconds(10), .seconds(2), 12),
            (.zero, .zero, 1), (.seconds(Int64.max), .zero, UInt32.max), (.seconds(-5), .zero, 1),
        ] as [(Duration, Duration, UInt32)])
    func wholeSeconds(duration: Duration, warmUp: Duration, seconds: UInt32) {
        let start = TestStart(id: "T", TestParameters(limit: .duration(duration), warmUp: warmUp))
        #expect(start.durationSeconds == seconds)
    }

    @Test("a byte budget alone has no duration on the wire")
    func budgetAlone() {
        let start = TestStart(id: "T", TestParameters(limit: .bytes(1000), warmUp: .seconds(1)))
        #expect(start.durationSeconds == 0)
        #expect(start.byteBudget == 1000)
        #expect(start.qrate?.durationMilliseconds == nil)
    }

    @Test("an xfr client's test has whole seconds, no warm-up and 1 s intervals")
    func plainClient() throws {
        #expect(try xfr().parameters() == TestParameters(limit: .duration(.seconds(10))))
        #expect(
            try xfr {
                $0.durationSeconds = 0; $0.byteBudget = 5
            }.parameters() == TestParameters(limit: .bytes(5)))
        #expect(
            try xfr { $0.byteBudget = 5 }.parameters()
                == TestParameters(limit: .whicheverFirst(.seconds(10), 5)))
    }

    @Test("the exact duration wins over whole seconds, which count where it is absent")
    func exactDurationWins() throws {
        #expect(try qrate(duration: 1500.5).parameters().limit == .duration(.microseconds(1_500_500)))
        #expect(try qrate(duration: nil, warmUp: 500).parameters().limit == .duration(.seconds(10)))
        #expect(try qrate(duration: nil, warmUp: nil, interval: nil).parameters() == xfr().parameters())
    }

    @Test("a bitrate or congestion controller, which xfr ignores over QUIC, changes nothing")
    func ignoredFields() throws {
        #expect(
            try xfr {
                $0.bitrate = 5; $0.congestion = "bbr"
            }.parameters() == xfr().parameters())
    }

    @Test("stream counts outside 1 to 128 are refused in xfr's words", arguments: [0, 129, 255] as [UInt8])
    func streamCounts(count: UInt8) {
        #expect(throws: ControlError.refused("Invalid stream count \(count) (must be 1-128)")) {
            try xfr { $0.streams = count }.parameters()
        }
    }

    @Test("what `protocol` means is what the session can test, and the rest is refused in xfr's words")
    func protocols() throws {
        func kind(_ transport: WireProtocol, over session: Set<TransportKind>) throws -> TransportKind {
            try xfr { $0.transport = transport }.parameters(over: session).transport
        }
        #expect(try kind(.tcp, over: [.tcp, .udp]) == .tcp)
        #expect(try kind(.udp, over: [.tcp, .udp]) == .udp)
        #expect(try kind(.tcp, over: [.tls]) == .tls)
        #expect(try kind(.quic, over: [.quic]) == .quic)
        #expect(throws: ControlError.refused("Expected QUIC protocol for QUIC connection")) {
            try kind(.tcp, over: [.quic])
        }
        #expect(throws: ControlError.refused("Expected TCP protocol for TLS connection")) {
            try kind(.udp, over: [.tls])
        }
        #expect(throws: ControlError.refused("Expected TCP or UDP protocol for this connection")) {
            try kind(.quic, over: [.tcp, .udp])
        }
    }

    @Test("a test without duration and budget has no end; one with nothing to send is refused")
    func withoutEnd() throws {
        #expect(try xfr { $0.durationSeconds = 0 }.parameters().limit == .endless)
        #expect(try TestStart(id: "T", TestParameters(limit: .endless)).parameters().limit == .endless)
        #expect(TestStart(id: "T", TestParameters(limit: .endless)).durationSeconds == 0)
        #expect(throws: ControlError.refused("Byte budget of 0: there is nothing to send")) {
            try xfr { $0.byteBudget = 0 }.parameters()
        }
    }

    @Test("of UDP, no rate is 1 Gbit/s and 0 is none; of the others, both are none")
    func rates() throws {
        func rate(_ transport: WireProtocol, _ bitrate: UInt64?) throws -> UInt64? {
            try xfr {
                $0.transport = transport; $0.bitrate = bitrate
            }.parameters().targetBitrate?.bitsPerSecond
        }
        #expect(try rate(.udp, nil) == 1_000_000_000)
        #expect(try rate(.udp, 0) == nil)
        #expect(try rate(.udp, 7) == 7)
        #expect(try rate(.tcp, nil) == nil)
        #expect(try rate(.tcp, 0) == nil)
        #expect(try rate(.tcp, 7) == 7)
        for bitrate in [nil, Bitrate(bitsPerSecond: 0), Bitrate(bitsPerSecond: 9)] {
            for kind in TransportKind.allCases {
                let asked = TestParameters(transport: kind, targetBitrate: bitrate).resolved
                #expect(try TestStart(id: "T", asked).parameters(over: [kind]) == asked)
            }
        }
    }

    @Test("a test longer than an hour is refused with the limit and the value")
    func tooLong() throws {
        #expect(
            throws: ControlError.refused(
                "Duration of 3601.000 s is outside this server's limits of 0.000 s to 3600.000 s")
        ) { try xfr { $0.durationSeconds = 3601 }.parameters() }
        #expect(
            throws: ControlError.refused(
                "Test of 3600.000 s after a warm-up of 0.001 s is longer than this server's limit of 3600.000 s")
        ) { try qrate(duration: 3_600_000, warmUp: 1).parameters() }
        #expect(throws: ControlError.self) { try xfr { $0.durationSeconds = .max }.parameters() }
    }

    @Test(
        "hostile times are refused, each as what it is",
        arguments: [-1, 3_600_001, 1e300, .nan, .infinity, -.infinity, .leastNonzeroMagnitude * -1] as [Double])
    func hostileTimes(milliseconds: Double) {
        func refusal(_ start: TestStart) -> String {
            do throws(ControlError) { return "\(try start.parameters())" } catch { return "\(error)" }
        }
        let value = milliseconds == 3_600_001 ? "3600.001 s" : "\(milliseconds) ms"
        #expect(refusal(qrate(duration: milliseconds)).hasPrefix("Duration of \(value) is outside"))
        #expect(refusal(qrate(warmUp: milliseconds)).hasPrefix("Warm-up of \(value) is outside"))
        #expect(refusal(qrate(interval: milliseconds)).hasPrefix("Interval of \(value) is outside"))
    }

    @Test("intervals below 100 ms and durations below 1 ms are refused")
    func tooShort() {
        #expect(throws: ControlError.self) { try qrate(interval: 99.9).parameters() }
        #expect(throws: ControlError.self) { try qrate(duration: 0.9).parameters() }
        #expect(throws: ControlError.self) { try qrate(duration: 0).parameters() }
    }
}

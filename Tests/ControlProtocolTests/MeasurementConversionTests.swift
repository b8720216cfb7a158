import QrateControlProtocol
import QrateMeasurement
import Testing

@Suite("measurements on the wire") struct MeasurementConversionTests {
    @Test(
        "a row arrives as it was counted",
        arguments: [[], [ByteCount(5)], [1, 2, 3]] as [[ByteCount]])
    func row(received: [ByteCount]) throws {
        let row = WireRow(
            start: .microseconds(1_000_125), end: .nanoseconds(2_000_000_001), isWarmUp: true, received: received)
        let interval = try row.uploadInterval()
        #expect(
            interval
                == IntervalReport(
                    .upload, start: .microseconds(1_000_125), end: .nanoseconds(2_000_000_001), isWarmUp: true,
                    bytesReceived: received.reduce(.zero, +), streams: received))
    }

    @Test("a row whose streams overflow saturates, and one without detail keeps its total")
    func rowTotals() throws {
        let row = WireRow(start: .zero, end: .seconds(1), isWarmUp: false, received: [ByteCount(.max), 1])
        #expect(row.bytesReceived == .max)
        let bare = WireRow(startMilliseconds: 0, endMilliseconds: 1, isWarmUp: false, bytesReceived: 7, streams: nil)
        #expect(try bare.uploadInterval().bytesReceived == 7)
        #expect(try bare.uploadInterval().streams == [])
    }

    @Test(
        "totals arrive as they were counted, but for the sender's count, which the receiver gives",
        arguments: [
            DirectionSummary(bytesReceived: 0, duration: nil, isComplete: false),
            DirectionSummary(
                bytesReceived: 10, duration: .nanoseconds(10_000_000_001), drainedBytes: 2, warmUpBytes: 3,
                bytesSent: 20, streams: [4, 6], isComplete: true),
            DirectionSummary(
                bytesReceived: 10, duration: .seconds(1), isComplete: true, receiveBufferDrops: 7,
                steadyState: SteadyState(
                    timeTo90Percent: .microseconds(312_500), plateau: Bitrate(bitsPerSecond: 47_900_000),
                    deviation: Bitrate(bitsPerSecond: 350_000), slice: .milliseconds(100),
                    twoRates: TwoRates(
                        low: Bitrate(bitsPerSecond: 1), high: Bitrate(bitsPerSecond: .max), lowShare: 0.4))),
        ])
    func totals(summary: DirectionSummary) throws {
        #expect(try WireTotals(summary).summary(bytesSent: summary.bytesSent) == summary)
    }

    @Test("a steady state that can't be is malformed")
    func impossibleSteadyState() throws {
        let state = SteadyState(
            timeTo90Percent: .zero, plateau: Bitrate(bitsPerSecond: 1), deviation: Bitrate(bitsPerSecond: 0),
            slice: .zero,
            twoRates: TwoRates(low: Bitrate(bitsPerSecond: 0), high: Bitrate(bitsPerSecond: 0), lowShare: 0))
        var wire = WireSteadyState(state)
        #expect(try wire.steadyState() == state)
        for share in [-0.1, 1.1, .infinity, .nan] {
            wire.twoRates?.lowShare = share
            #expect(throws: ControlError.self) { try wire.steadyState() }
        }
        wire.twoRates = nil
        for time in [-1, .infinity, .nan, 1e300] {
            wire.timeTo90PercentMilliseconds = time
            #expect(throws: ControlError.self) { try wire.steadyState() }
        }
    }

    @Test("fallbacks that nobody knows yet are left out, and each counts once")
    func unknownFallbacks() {
        var wire = WireSettings()
        #expect(wire.settings.offloadFallbacks == nil)
        wire.offloadFallbacks = ["teleport", "receive_unavailable", "receive_unavailable", "\u{1B}[2J"]
        #expect(wire.settings.offloadFallbacks == [.receiveUnavailable])
    }

    @Test("a completeness that isn't known is not claimed, and streams that aren't known are absent")
    func unknownCompleteness() {
        let totals = WireTotals(DirectionSummary(bytesReceived: 1, duration: nil))
        #expect(!totals.isComplete)
        #expect(totals.streams == nil)
    }

    @Test("a path arrives as it was measured, with what was not measured absent")
    func path() throws {
        var metrics = QUICPathMetrics()
        let nothing = PathReport(observedBy: .server, start: .zero, end: .seconds(1), metrics: .quic(metrics))
        #expect(try WirePath(nothing).report(observedBy: .server) == nothing)

        metrics.smoothedRTT = .nanoseconds(24_100_001)
        metrics.latestRTT = .microseconds(24_312)
        metrics.minRTT = .nanoseconds(1)
        metrics.rttVariation = .zero
        metrics.congestionWindow = 2_900_000
        metrics.bytesInFlight = ByteCount(.max)
        metrics.slowStartThreshold = 1
        metrics.streamPacketsLost = .max
        metrics.datagramsSent = 5
        metrics.datagramsReceived = 6
        metrics.sendCalls = 2
        metrics.maxUDPPayload = 1444
        var full = PathReport(
            observedBy: .client, start: .milliseconds(1500), end: .milliseconds(2500), metrics: .quic(metrics))
        #expect(try WirePath(full).report(observedBy: .client) == full)

        full.limits = LimitShares(
            LimitCause.allCases.enumerated().reduce(into: [:]) {
                $0[$1.element] = .nanoseconds(1_000_000_007 * $1.offset)
            })
        #expect(try WirePath(full).report(observedBy: .client) == full)
        full.limits = LimitShares([.cpu: .zero, .idle: .seconds(3)])
        let limits = try #require(try WirePath(full).report(observedBy: .client)?.limits)
        #expect(limits == full.limits)
        #expect(limits[.flowControl] == nil)
    }

    @Test("settings arrive as they are, with what is not known absent")
    func settings() {
        var settings = EffectiveSettings()
        #expect(WireSettings(settings).settings == settings)
        settings.congestionController = "cubic"
        settings.maxUDPPayload = 1444
        settings.segmentationOffload = true
        settings.receiveOffload = false
        settings.sendBuffer = 1
        settings.receiveBuffer = 2
        settings.explicitCongestionNotification = false
        settings.aead = "libipsec-mb"
        settings.recording = RecordingSettings(qlog: true, keyLog: false)
        #expect(WireSettings(settings).settings == settings)
        settings.recording = RecordingSettings(qlog: false, keyLog: true)
        #expect(WireSettings(settings).settings == settings)
    }

    @Test("processor time arrives as it was measured, and what was shared stays without a sum")
    func processorUsage() throws {
        let usage = try #require(
            ProcessorUsage([
                ThreadUsage(
                    name: "endpoint 1", user: .microseconds(1_234_567), system: .microseconds(1), elapsed: .seconds(10),
                    lookout: .nanoseconds(50_001)),
                ThreadUsage(name: "endpoint 2", user: .zero, system: .seconds(2), elapsed: .milliseconds(9999)),
            ]))
        #expect(try WireProcessorUsage(usage).usage() == usage)
        var shared = usage.threads
        shared[1].isShared = true
        let whole = try #require(ProcessorUsage(shared))
        #expect(try WireProcessorUsage(whole).usage() == whole)
        #expect(WireProcessorUsage(whole).userSeconds == nil)
    }

    @Test("half a sum of processor time is none")
    func halfASum() throws {
        var wire = WireProcessorUsage(ProcessorUsage(user: .seconds(1), system: .seconds(2), threads: []))
        #expect(try wire.usage().total == .seconds(3))
        wire.systemSeconds = nil
        #expect(try wire.usage().user == nil)
    }

    @Test("a platform arrives as it is, with what is not known absent")
    func platform() {
        var platform = Platform()
        #expect(WirePlatform(platform).platform == platform)
        platform.build = "debug"
        platform.ngtcp2 = "0.12.1"
        platform.gnutls = "3.7.9"
        platform.kernel = "Linux 6.1.0-18-amd64"
        platform.architecture = "x86_64"
        platform.processor = "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz"
        platform.processorCount = 16
        platform.isVirtualMachine = false
        platform.isContainer = true
        #expect(WirePlatform(platform).platform == platform)
    }

    @Test("a platform's names are safe to print")
    func hostilePlatform() {
        var hostile = Platform()
        hostile.kernel = "\u{1B}[31mLinux" + String(repeating: "!", count: 1000)
        hostile.processor = hostile.kernel
        hostile.build = "debug\u{202E}"
        let platform = WirePlatform(hostile).platform
        #expect(platform.kernel == "[31mLinux" + String(repeating: "!", count: 116) + "…")
        #expect(platform.processor == platform.kernel)
        #expect(platform.build == "debug")
    }

    @Test("a peer's names are safe to print")
    func hostileName() {
        var wire = WireSettings()
        wire.congestionController = "\u{1B}[31mcubic" + String(repeating: "!", count: 1000)
        wire.aead = wire.congestionController
        #expect(wire.settings.congestionController == "[31mcubic!!!!!!!!!!!!!!!!!!!!…")
        #expect(wire.settings.aead == wire.settings.congestionController)
    }

    @Test("so are its threads'")
    func hostileThread() throws {
        let thread = ThreadUsage(
            name: "\u{1B}[31msend" + String(repeating: "!", count: 1000), user: .zero, system: .zero, elapsed: .zero)
        let usage = WireProcessorUsage(ProcessorUsage(user: nil, system: nil, threads: [thread]))
        #expect(try usage.usage().threads.map(\.name) == ["[31msend" + String(repeating: "!", count: 21) + "…"])
    }

    @Test(
        "times that are none throw and never trap",
        arguments: [-1, 1e300, .nan, .infinity, -.infinity, .greatestFiniteMagnitude] as [Double])
    func hostileTimes(value: Double) {
        #expect(throws: ControlError.self) {
            try WireRow(startMilliseconds: value, endMilliseconds: 1, isWarmUp: false, bytesReceived: 0, streams: nil)
                .uploadInterval()
        }
        #expect(throws: ControlError.self) {
            try WireTotals(
                bytesReceived: 0, warmUpBytes: 0, drainedBytes: 0, durationMilliseconds: value, streams: nil,
                isComplete: true
            ).summary()
        }
        #expect(throws: ControlError.self) {
            var quic = WirePath.QUIC()
            quic.minRTT = value
            let path = WirePath(startMilliseconds: 0, endMilliseconds: 1, quic: quic)
            _ = try path.report(observedBy: .server)
        }
        #expect(throws: ControlError.self) {
            try WirePath(startMilliseconds: 0, endMilliseconds: value).report(observedBy: .server)
        }
        #expect(throws: ControlError.self) {
            var usage = WireProcessorUsage(ProcessorUsage(user: .zero, system: .zero, threads: []))
            usage.userSeconds = value
            _ = try usage.usage()
        }
        #expect(throws: ControlError.self) {
            var limits = WireLimits()
            limits.idle = value
            _ = try limits.shares()
        }
        #expect(throws: ControlError.self) {
            try ReportMessage(id: "T", elapsedMilliseconds: value, bytesReceived: 0, isFinal: false).elapsed()
        }
    }

    @Test("a path that ends before it starts is refused")
    func reversedPath() {
        #expect(throws: ControlError.invalidField(field: "end_ms", reason: "lies before start_ms")) {
            try WirePath(startMilliseconds: 2, endMilliseconds: 1).report(observedBy: .client)
        }
    }
}

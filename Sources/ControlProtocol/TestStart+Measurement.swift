package import QrateMeasurement

extension TestStart {
    /// Asks for a test. A peer that doesn't read the `qrate` object runs it for whole seconds, long enough to hold the
    /// warm-up and the measured window.
    package init(id: String, _ parameters: TestParameters) {
        let limit = parameters.limit
        self.init(
            id: id, transport: WireProtocol(parameters.transport), streams: UInt8(clamping: parameters.streams),
            durationSeconds: limit.duration.map { Self.wholeSeconds($0 + parameters.warmUp) } ?? 0,
            direction: WireDirection(parameters.direction), byteBudget: limit.byteBudget?.bytes,
            qrate: Extension(
                durationMilliseconds: limit.duration?.milliseconds,
                warmUpMilliseconds: parameters.warmUp.milliseconds,
                intervalMilliseconds: parameters.interval.milliseconds))
    }

    /// The test that the client asks for.
    ///
    /// `bitrate` and `congestion` are ignored, as xfr's server ignores them over QUIC.
    ///
    /// - Throws: ``ControlError/refused(_:)`` with the text for the client, for a test outside our limits.
    package func parameters() throws(ControlError) -> TestParameters {
        guard TestParameters.streamLimits.contains(Int(streams)) else {
            let limits = TestParameters.streamLimits
            throw .refused("Invalid stream count \(streams) (must be \(limits.lowerBound)-\(limits.upperBound))")
        }
        let warmUp = try qrate?.warmUpMilliseconds.map { value throws(ControlError) in
            try Self.time(value, "Warm-up", .zero...TestParameters.longestTest)
        }
        let interval = try qrate?.intervalMilliseconds.map { value throws(ControlError) in
            try Self.time(value, "Interval", TestParameters.shortestInterval...TestParameters.longestTest)
        }
        let parameters = TestParameters(
            transport: try transportKind(), direction: try supportedDirection(), streams: Int(streams),
            limit: try limit(), warmUp: warmUp ?? .zero, interval: interval ?? Self.xfrInterval)
        if let window = parameters.limit.duration, window + parameters.warmUp > TestParameters.longestTest {
            throw .refused(
                "Test of \(Self.text(window)) after a warm-up of \(Self.text(parameters.warmUp)) is longer than this"
                    + " server's limit of \(Self.text(TestParameters.longestTest))")
        }
        return parameters
    }

    /// What xfr's server does whoever asks, so what a client that doesn't say expects.
    private static let xfrInterval = Duration.seconds(1)

    private func transportKind() throws(ControlError) -> TransportKind {
        switch transport {
        case .quic: return .quic
        case .tcp, .udp: throw .refused("This server runs QUIC tests only, no \(transport.rawValue) test yet")
        }
    }

    private func supportedDirection() throws(ControlError) -> Direction {
        switch direction {
        case .upload: return .upload
        case .download: return .download
        case .bidir: throw .refused("This server tests one direction at a time, no bidirectional test yet")
        }
    }

    /// The exact duration counts where there is one, then whole seconds, of which 0 is "no limit".
    private func limit() throws(ControlError) -> TestLimit {
        if byteBudget == 0 { throw .refused("Byte budget of 0: there is nothing to send") }
        let budget = byteBudget.map { ByteCount($0) }
        var duration: Duration?
        if let exact = qrate?.durationMilliseconds {
            let shortest = Duration.milliseconds(1)
            duration = try Self.time(exact, "Duration", shortest...TestParameters.longestTest)
        } else if durationSeconds > 0 {
            duration = try Self.time(Double(durationSeconds) * 1000, "Duration", .zero...TestParameters.longestTest)
        }
        switch (duration, budget) {
        case (let duration?, let budget?): return .whicheverFirst(duration, budget)
        case (let duration?, nil): return .duration(duration)
        case (nil, let budget?): return .bytes(budget)
        case (nil, nil): throw .refused("Test without an end: give it a duration or a byte budget")
        }
    }

    private static func time(
        _ milliseconds: Double, _ what: String, _ limits: ClosedRange<Duration>
    ) throws(ControlError) -> Duration {
        let duration = Duration(checkedMilliseconds: milliseconds)
        guard let duration, limits.contains(duration) else {
            // What is no duration is quoted as it came.
            let value = duration.map(text) ?? "\(milliseconds) ms"
            throw .refused(
                "\(what) of \(value) is outside this server's limits of \(text(limits.lowerBound)) to"
                    + " \(text(limits.upperBound))")
        }
        return duration
    }

    private static func text(_ duration: Duration) -> String { fixedPoint(duration.seconds, decimals: 3) + " s" }

    /// Rounded up, and never 0, which would be "no limit".
    private static func wholeSeconds(_ duration: Duration) -> UInt32 {
        let (seconds, attoseconds) = duration.components
        let whole = UInt32(clamping: seconds)
        return max(1, attoseconds > 0 && whole < .max ? whole + 1 : whole)
    }
}

extension WireProtocol {
    init(_ transport: TransportKind) {
        switch transport {
        case .quic: self = .quic
        // What protects the connection isn't the test's protocol: inside TLS, TCP is said.
        case .tcp, .tls: self = .tcp
        case .udp: self = .udp
        }
    }
}

extension WireDirection {
    init(_ direction: Direction) {
        switch direction {
        case .upload: self = .upload
        case .download: self = .download
        case .bidirectional: self = .bidir
        }
    }
}

package import QrateMeasurement

extension TestStart {
    /// Asks for a test. A peer that doesn't read the `qrate` object runs it for whole seconds, long enough to hold the
    /// warm-up and the measured window.
    ///
    /// - Parameter parameters: ``QrateMeasurement/TestParameters/resolved``.
    package init(id: String, _ parameters: TestParameters) {
        let limit = parameters.limit
        var addition = Extension(
            durationMilliseconds: limit.duration?.milliseconds, warmUpMilliseconds: parameters.warmUp.milliseconds,
            intervalMilliseconds: parameters.interval.milliseconds)
        addition.payload = parameters.payload == .random ? nil : parameters.payload.rawValue
        addition.take(parameters.settings)
        addition.measuresLatency = parameters.measuresLatency ? true : nil
        self.init(
            id: id, transport: WireProtocol(parameters.transport), streams: UInt8(clamping: parameters.streams),
            durationSeconds: limit.duration.map { Self.wholeSeconds($0 + parameters.warmUp) } ?? 0,
            direction: WireDirection(parameters.direction), byteBudget: limit.byteBudget?.bytes, qrate: addition)
        // Of a UDP test, an absent rate is the default's.
        bitrate = parameters.targetBitrate?.bitsPerSecond ?? (parameters.transport == .udp ? 0 : nil)
        take(parameters.settings)
    }

    /// The test that the client asks for, ``QrateMeasurement/TestParameters/resolved``.
    ///
    /// - Parameter transports: What the session can test: it decides what `protocol` means (`tcp` inside TLS is a test of
    ///   TLS), and which is refused.
    /// - Throws: ``ControlError/refused(_:)`` with the text for the client, for a test outside our limits.
    package func parameters(
        over transports: Set<TransportKind> = Set(TransportKind.allCases)
    ) throws(ControlError) -> TestParameters {
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
        let kind = try transportKind(transports)
        var parameters = TestParameters(
            transport: kind, direction: testDirection, streams: Int(streams), limit: try limit(),
            warmUp: warmUp ?? .zero, interval: interval ?? Self.xfrInterval, targetBitrate: targetBitrate(kind),
            payload: try payloadContent(), settings: try settings(kind))
        parameters.measuresLatency = qrate?.measuresLatency ?? false
        if let window = parameters.limit.duration, window + parameters.warmUp > TestParameters.longestTest {
            throw .refused(
                "Test of \(Self.text(window)) after a warm-up of \(Self.text(parameters.warmUp)) is longer than this"
                    + " server's limit of \(Self.text(TestParameters.longestTest))")
        }
        return parameters
    }

    /// What xfr's server does whoever asks, so what a client that doesn't say expects.
    private static let xfrInterval = Duration.seconds(1)

    private func transportKind(_ transports: Set<TransportKind>) throws(ControlError) -> TransportKind {
        let meant: [TransportKind] =
            switch transport {
            case .quic: [.quic]
            // What protects the connection isn't the test's protocol.
            case .tcp: [.tcp, .tls]
            case .udp: [.udp]
            }
        if let kind = meant.first(where: transports.contains) { return kind }
        if transports == [.quic] { throw .refused("Expected QUIC protocol for QUIC connection") }
        if transports == [.tls] { throw .refused("Expected TCP protocol for TLS connection") }
        let names = TransportKind.allCases.filter(transports.contains).map { $0.rawValue.uppercased() }
        throw .refused("Expected \(names.joined(separator: " or ")) protocol for this connection")
    }

    private var testDirection: Direction {
        switch direction {
        case .upload: .upload
        case .download: .download
        case .bidir: .bidirectional
        }
    }

    /// xfr sends a rate over QUIC too, and its server doesn't look at it.
    private func targetBitrate(_ kind: TransportKind) -> Bitrate? {
        guard qrate != nil || kind != .quic else { return nil }
        return TestParameters.resolvedBitrate(bitrate.map { Bitrate(bitsPerSecond: $0) }, kind)
    }

    private func payloadContent() throws(ControlError) -> PayloadContent {
        guard let name = qrate?.payload else { return .random }
        guard let content = PayloadContent(rawValue: name) else {
            throw .refused("Unknown payload '\(printable(name, limit: 32))'")
        }
        return content
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
        case (nil, nil): return .endless
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

extension TestParameters {
    /// With the rate that will be aimed at: nil is "as fast as it goes" from here on. A user's nil means the transport's
    /// default, and 0 means no limit, as on the wire.
    package var resolved: TestParameters {
        var resolved = self
        resolved.targetBitrate = Self.resolvedBitrate(targetBitrate, transport)
        return resolved
    }

    /// A UDP test without a rate would drown its path, so its default is xfr's.
    package static let defaultDatagramBitrate = Bitrate(bitsPerSecond: 1_000_000_000)

    static func resolvedBitrate(_ asked: Bitrate?, _ transport: TransportKind) -> Bitrate? {
        guard let asked else { return transport == .udp ? defaultDatagramBitrate : nil }
        return asked.bitsPerSecond == 0 ? nil : asked
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

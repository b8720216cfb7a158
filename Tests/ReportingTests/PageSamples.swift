import QrateMeasurement

/// Comparisons whose pages the tests look at: one per thing that can happen to a comparison.
enum PageSamples {
    static let all: [(name: String, report: ComparisonReport)] = [
        ("five-rounds", fiveRounds), ("one-round", oneRound), ("hundred-rounds", hundredRounds),
        ("failed-transport", failedTransport), ("bidirectional", bidirectional), ("without-paths", withoutPaths),
        ("four-transports", fourTransports), ("unreachable", unreachable), ("nothing", nothing), ("hostile", hostile),
    ]

    static func named(_ name: String) throws -> ComparisonReport {
        struct NoSuchReport: Error { var name: String }
        guard let sample = all.first(where: { $0.name == name }) else { throw NoSuchReport(name: name) }
        return sample.report
    }

    // MARK: The comparisons

    static var fiveRounds: ComparisonReport { comparison(rounds: 5) }

    static var oneRound: ComparisonReport {
        var report = comparison(rounds: 1, rows: 1)
        report.end = .interrupted
        report.failure = TestFailure(.interrupted, "The comparison was interrupted.")
        return report
    }

    static var hundredRounds: ComparisonReport {
        var report = comparison(rounds: 100, rows: 30)
        report.end = .rounds
        return report
    }

    /// QUIC doesn't get through: two rounds told so.
    static var failedTransport: ComparisonReport {
        var report = comparison(rounds: 5)
        for index in report.rounds.indices {
            report.rounds[index].tests.removeAll { index > 1 && $0.parameters.transport == .quic }
            for test in report.rounds[index].tests.indices
            where report.rounds[index].tests[test].parameters.transport == .quic {
                report.rounds[index].tests[test].failure = TestFailure(
                    .unreachable, "192.0.2.7:5201 did not answer over UDP within 10 s; does a firewall drop UDP?")
            }
        }
        return summed(report)
    }

    static var bidirectional: ComparisonReport {
        comparison(rounds: 6, test: TestParameters(direction: .bidirectional, limit: .duration(.seconds(3))))
    }

    /// The server says nothing of its paths, and no row came.
    static var withoutPaths: ComparisonReport {
        var report = comparison(
            rounds: 5, test: TestParameters(direction: .download, limit: .bytes(33_554_432)))
        for round in report.rounds.indices {
            for test in report.rounds[round].tests.indices {
                report.rounds[round].tests[test].intervals = []
                report.rounds[round].tests[test].downloadPath = nil
                report.rounds[round].tests[test].handshake = nil
                report.rounds[round].tests[test].server?.settings = EffectiveSettings()
            }
        }
        return summed(report)
    }

    static var fourTransports: ComparisonReport {
        var test = TestParameters(streams: 2, limit: .duration(.seconds(3)), warmUp: .seconds(1))
        test.interval = .milliseconds(200)
        test.targetBitrate = Bitrate(bitsPerSecond: 500_000_000)
        test.settings.payloadUnit = 1400
        test.settings.congestionController = "bbr"
        return comparison([.quic, .tls, .tcp, .udp], rounds: 15, rows: 20, test: test)
    }

    static var unreachable: ComparisonReport {
        var report = ComparisonReport(id: "5b0f", startedAt: 1_795_216_699.5, parameters: ComparisonParameters())
        report.failure = SampleReports.unreachable.failure
        report.rounds = [ComparisonRound(number: 1, tests: [SampleReports.unreachable])]
        report.end = .failed
        return summed(report)
    }

    /// Ended before the first test did.
    static var nothing: ComparisonReport {
        var report = ComparisonReport(id: "5b0f", startedAt: .infinity, parameters: ComparisonParameters())
        report.failure = TestFailure(.interrupted, "The comparison was interrupted.")
        report.end = .interrupted
        return report
    }

    /// What a page of a peer's words could run, load or turn around.
    static let attack =
        "</td></script><script>alert('x')</script><img src=\"https://example.net/x\" onerror=a>&\u{202E}"

    /// Its figures are as large as they can be, and its words are attacks.
    static var hostile: ComparisonReport {
        var report = comparison(rounds: 2, rows: 2)
        report.id = attack
        for round in report.rounds.indices {
            for test in report.rounds[round].tests.indices {
                var hostile = SampleReports.hostilePeer
                hostile.parameters = report.rounds[round].tests[test].parameters
                hostile.failure = nil
                hostile.server?.software = attack
                hostile.server?.host = attack
                hostile.server?.settings.congestionController = attack
                hostile.client.settings.aead = attack
                hostile.security?.cipher = attack
                hostile.security?.applicationProtocol = attack
                hostile.security?.verification = .known(since: attack)
                hostile.warnings = [TestWarning(code: attack, message: attack)]
                report.rounds[round].tests[test] = hostile
            }
        }
        report.warnings = [TestWarning(code: attack, message: attack)]
        report.failure = TestFailure(.failed, attack)
        report = summed(report)
        for pair in report.pairs.indices {
            report.pairs[pair].interval = RatioInterval(lower: 0, upper: .infinity)
            report.pairs[pair].differences = [ComparabilityDifference(.congestionController, attack, attack)]
        }
        return report
    }

    // MARK: Their parts

    /// Rates around those of a path of 100 Mbit/s and 40 ms that TCP fills better than QUIC does.
    private static func comparison(
        _ transports: [TransportKind] = [.quic, .tls, .tcp], rounds: Int, rows: Int = 3,
        test: TestParameters = TestParameters(limit: .duration(.seconds(3)))
    ) -> ComparisonReport {
        var report = ComparisonReport(
            id: "5b0f8e5c-3d5a-4f0e-9a53-0e6a3d1b7c11", startedAt: 1_795_216_699.5,
            parameters: ComparisonParameters(transports: transports, test: test, rounds: max(rounds, 15)))
        report.rounds = (0..<rounds).map { round in
            let order = transports.indices.map { transports[($0 + round) % transports.count] }
            return ComparisonRound(
                number: round + 1,
                tests: order.map { self.test(report.parameters.parameters(for: $0), round: round, rows: rows) })
        }
        report.end = .precision
        report.warnings = [TestWarning(code: "loopback", message: "Both ends are on this machine.")]
        return summed(report)
    }

    /// - Parameters:
    ///   - round: From 0 on; decides how the test's figures scatter.
    private static func test(_ parameters: TestParameters, round: Int, rows: Int) -> TestReport {
        let transport = parameters.transport
        var test: TestReport
        switch transport {
        case .quic: test = SampleReports.base(parameters)
        case .tls: test = SampleReports.tlsDownload
        case .tcp: test = SampleReports.tcpUpload
        case .udp: test = SampleReports.udpUpload
        }
        test.parameters = parameters
        test.intervals = []
        test.upload = nil
        test.download = nil
        test.uploadPath = nil
        test.downloadPath = nil
        let (base, handshake) = typical(transport)
        let directions: [Direction] =
            parameters.direction == .bidirectional ? [.upload, .download] : [parameters.direction]
        for direction in directions {
            var total: UInt64 = 0
            let length = 3.0 / Double(rows)
            for row in 0..<rows {
                // Slow start, then a sawtooth, and a scatter that is the same in every run.
                let scatter = Double((round * 37 + row * 61 + Int(base * 10)) % 100) / 100 - 0.5
                let ramp = min(1, 0.55 + 0.45 * Double(row + 1) * length)
                let megabits = base * ramp * (1 + 0.05 * scatter)
                let bytes = UInt64(megabits * 1e6 / 8 * length)
                total += bytes
                let start = Int64(Double(row) * length * 1000), end = Int64(Double(row + 1) * length * 1000)
                let rtt = 40_000 + 30_000 * ramp + 4_000 * scatter
                let path = path(transport, end: end, rtt: rtt, window: base * 9_000 * ramp)
                test.intervals.append(
                    SampleReports.row(
                        start, end, direction == .upload ? ByteCount(bytes) : nil,
                        download: direction == .download ? ByteCount(bytes) : nil,
                        isWarmUp: Double(start) < parameters.warmUp.milliseconds, path: path))
            }
            let summary = DirectionSummary(
                bytesReceived: ByteCount(total), duration: .seconds(3), bytesSent: ByteCount(total))
            let path = path(transport, end: 3010, rtt: 71_000, window: base * 9_000)
            if direction == .upload { (test.upload, test.uploadPath) = (summary, path) }
            if direction == .download { (test.download, test.downloadPath) = (summary, path) }
        }
        test.handshake = HandshakeReport(duration: .microseconds(handshake + Int64(round * 173 % 900)))
        return test
    }

    /// Mbit/s, and microseconds.
    private static func typical(_ transport: TransportKind) -> (rate: Double, handshake: Int64) {
        switch transport {
        case .quic: (84, 43_000)
        case .tls: (92, 84_000)
        case .tcp: (93.5, 41_000)
        case .udp: (95, 41_200)
        }
    }

    private static func path(_ transport: TransportKind, end: Int64, rtt: Double, window: Double) -> PathReport? {
        switch transport {
        case .quic: return SampleReports.path(end: end, rtt: rtt, lost: 12, window: UInt64(window))
        case .tls, .tcp:
            var metrics = TCPPathMetrics()
            metrics.smoothedRTT = .microseconds(rtt)
            metrics.minRTT = .microseconds(40_100)
            metrics.congestionWindow = ByteCount(UInt64(window * 1.2))
            metrics.retransmissions = 7
            return PathReport(observedBy: .client, start: .zero, end: .milliseconds(end), metrics: .tcp(metrics))
        case .udp: return nil
        }
    }

    /// What a comparison sums up itself: enough of it for a page.
    private static func summed(_ report: ComparisonReport) -> ComparisonReport {
        var report = report
        let directions: [Direction] =
            report.parameters.test.direction == .bidirectional
            ? [.upload, .download] : [report.parameters.test.direction]
        let transports = report.parameters.transports
        report.figures = transports.flatMap { transport in
            directions.map { direction in
                var figures = TransportFigures(transport, direction)
                figures.throughput = report.rounds.map { $0.throughput(transport, direction) }
                let known = figures.throughput.compactMap(\.self).sorted()
                figures.lowest = known.first
                figures.median = known.isEmpty ? nil : known[known.count / 2]
                figures.highest = known.last
                let tests = report.rounds.compactMap { $0.test(transport) }
                figures.handshake = tests.compactMap { $0.handshake?.duration }.sorted().first
                figures.failures = tests.compactMap(\.failure)
                return figures
            }
        }
        report.pairs = directions.flatMap { direction in
            transports.indices.flatMap { first in
                transports.indices.dropFirst(first + 1).map { second in
                    pair(TransportPair(transports[first], transports[second], direction), report)
                }
            }
        }
        return report
    }

    private static func pair(_ pair: TransportPair, _ report: ComparisonReport) -> TransportPair {
        var pair = pair
        let ratios = report.rounds.compactMap { round -> Double? in
            guard let one = round.throughput(pair.transport, pair.direction),
                let two = round.throughput(pair.other, pair.direction)
            else { return nil }
            return Double(one.bitsPerSecond) / Double(two.bitsPerSecond)
        }
        pair.rounds = ratios.count
        guard !ratios.isEmpty else { return pair }
        let ratio = ratios.reduce(0, +) / Double(ratios.count)
        pair.ratio = ratio
        guard ratios.count > 1 else { return pair }
        pair.interval = RatioInterval(lower: ratio * 0.982, upper: ratio * 1.019)
        pair.verdict = ratio < 0.95 ? .less : .alike
        return pair
    }
}

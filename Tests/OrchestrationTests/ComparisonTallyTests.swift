import QrateMeasurement
import Testing

@testable import QrateOrchestration

@Suite("the tally of a comparison") struct ComparisonTallyTests {
    private func tally(
        _ transports: [TransportKind] = [.quic, .tls, .tcp], rounds: Int = 15, budget: Duration? = nil,
        direction: Direction = .upload
    ) -> ComparisonTally {
        ComparisonTally(
            ComparisonReport(
                id: "a", startedAt: 0,
                parameters: ComparisonParameters(
                    transports: transports, test: TestParameters(direction: direction), rounds: rounds,
                    budget: budget)))
    }

    /// A second's test.
    private func test(
        _ transport: TransportKind, _ megabits: UInt64 = 100, download: UInt64? = nil, failure: TestFailure? = nil
    ) -> TestReport {
        var report = TestReport(
            id: "b", startedAt: 0, parameters: TestParameters(transport: transport),
            client: EndReport(software: "qrate/0.1.0"), server: EndReport(software: "qrate/0.1.0"), failure: failure)
        func summary(_ megabits: UInt64) -> DirectionSummary {
            DirectionSummary(bytesReceived: ByteCount(megabits * 125_000), duration: .seconds(1))
        }
        if failure == nil {
            report.upload = summary(megabits)
            report.download = download.map(summary)
        }
        return report
    }

    /// Runs it to its end on a clock on which each test takes a second.
    ///
    /// - Parameter make: The test's result, by transport and round.
    /// - Returns: What ran, in order, and how it ended.
    @discardableResult
    private func run(
        _ tally: inout ComparisonTally, _ make: (TransportKind, _ round: Int) -> TestReport
    ) -> (tests: [[TransportKind]], end: ComparisonEnd?) {
        var tests: [[TransportKind]] = []
        var elapsed = Duration.zero
        for _ in 0..<1000 {
            switch tally.next(elapsed: elapsed) {
            case .test(let transport, let round):
                if tests.count < round { tests.append([]) }
                tests[round - 1].append(transport)
                elapsed += .seconds(1)
                tally.add(make(transport, round), round: round)
                guard tally.report.failure == nil else { return (tests, nil) }
            case .handshakes(let transport):
                tally.add(
                    HandshakeTestReport(
                        startedAt: 0, parameters: HandshakeParameters(transport: transport),
                        client: EndReport(software: "qrate/0.1.0")))
            case .together(_, let round): tally.add(together: [], round: round)
            case .end(let end):
                tally.finish(end)
                return (tests, end)
            }
        }
        return (tests, nil)
    }

    /// A throughput that scatters without any randomness: by so many per cent, up and down.
    private func scattered(_ round: Int, by percent: UInt64) -> UInt64 { 1000 + (round % 2 == 0 ? 10 : 0) * percent }

    @Test("steady transports take five rounds, each in another order, and the end is that the ratios are known")
    func steady() {
        var tally = tally()
        let (tests, end) = run(&tally) { transport, _ in test(transport, transport == .quic ? 80 : 100) }
        #expect(tests.count == 5)
        #expect(tests.allSatisfy { Set($0) == [.quic, .tls, .tcp] && $0.count == 3 })
        #expect(tests[0] == [.quic, .tls, .tcp])
        #expect(tests[1] == [.tcp, .tls, .quic])
        #expect(Set(tests).count == 5)
        #expect(end == .precision)
        #expect(tally.report.end == .precision)
        #expect(tally.report.failure == nil)
    }

    @Test("how many rounds there will be is told once the first five are in, and not before")
    func planned() {
        var tally = tally([.quic, .tcp])
        for round in 1...5 {
            #expect(tally.plannedRounds == nil)
            tally.add(test(.quic, scattered(round, by: 10)), round: round)
            tally.add(test(.tcp, 1000), round: round)
        }
        // Logarithms that are 0 and 0.0953 in turn: 2.776 × 0.0522 / ln 1.05 = 2.97, squared and rounded up.
        #expect(tally.plannedRounds == 9)
    }

    @Test("scattered ones take as many as there may be, and the end says so")
    func scatteredRounds() {
        var tally = tally([.quic, .tcp], rounds: 12)
        let (tests, end) = run(&tally) { transport, round in
            test(transport, transport == .quic ? scattered(round, by: 60) : 1000)
        }
        #expect(tests.count == 12)
        #expect(end == .rounds)
    }

    @Test("when exactly the most rounds are enough, the ratios are known")
    func justEnough() {
        var tally = tally([.quic, .tcp], rounds: 9)
        let (tests, end) = run(&tally) { transport, round in
            test(transport, transport == .quic ? scattered(round, by: 10) : 1000)
        }
        #expect(tests.count == 9)
        #expect(end == .precision)
    }

    @Test("no round begins that would end behind the time there is; the first one always runs", arguments: [1, 7, 8])
    func budget(seconds: Int) {
        var tally = tally([.quic, .tcp], budget: .seconds(seconds))
        let (tests, end) = run(&tally) { transport, _ in test(transport) }
        #expect(tests.count == max(1, seconds / 2))
        #expect(end == .budget)
    }

    @Test("who can't be reached is asked once, and the others go on", arguments: [TransportKind.quic, .tls, .tcp])
    func unreachable(silent: TransportKind) throws {
        var tally = tally()
        let refusal = TestFailure(.unreachable, "nobody answers")
        let (tests, end) = run(&tally) { transport, _ in test(transport, failure: transport == silent ? refusal : nil) }
        #expect(tests.flatMap(\.self).count { $0 == silent } == 1)
        #expect(tests.count == 5)
        #expect(tests.dropFirst().allSatisfy { $0.count == 2 })
        #expect(end == .precision)
        #expect(tally.report.failure == nil)
        let figures = try #require(tally.report.figures.first { $0.transport == silent })
        #expect(figures.failures == [refusal])
        #expect(figures.median == nil)
        #expect(figures.throughput == Array(repeating: nil, count: 5))
        for pair in tally.report.pairs {
            let isKnown = pair.transport != silent && pair.other != silent
            #expect(pair.rounds == (isKnown ? 5 : 0))
            #expect(pair.verdict == (isKnown ? .alike : .unknown))
            #expect((pair.ratio != nil) == isKnown)
        }
    }

    @Test("with nobody who can be reached it ends, and says why as the first one did")
    func nobody() {
        var tally = tally()
        let (tests, end) = run(&tally) { transport, _ in
            test(transport, failure: TestFailure(.unreachable, "no \(transport)"))
        }
        #expect(tests == [[.quic, .tls, .tcp]])
        #expect(end == .failed)
        #expect(tally.report.failure == TestFailure(.unreachable, "no quic"))
    }

    @Test("one that fails is tried once more; twice in a row is enough")
    func failsTwice() {
        var tally = tally([.quic, .tcp])
        let (tests, _) = run(&tally) { transport, round in
            test(transport, failure: transport == .quic && round > 1 ? TestFailure(.failed, "lost") : nil)
        }
        #expect(Array(tests.prefix(4)) == [[.quic, .tcp], [.tcp, .quic], [.tcp, .quic], [.tcp]])
        #expect(tally.report.figures.first?.failures.count == 2)
    }

    @Test("a round without one of them has no ratio, and another takes its place")
    func failsOnce() throws {
        var tally = tally([.quic, .tcp])
        let (tests, end) = run(&tally) { transport, round in
            test(transport, failure: transport == .quic && round == 2 ? TestFailure(.refused, "busy") : nil)
        }
        #expect(tests.count == 6)
        #expect(end == .precision)
        let pair = try #require(tally.report.pairs.first)
        #expect(pair.rounds == 5)
        #expect(pair.verdict == .alike)
        #expect(tally.report.figures.first?.throughput.map { $0 != nil } == [true, false, true, true, true, true])
    }

    @Test(
        "what no other round could mend ends it at once",
        arguments: [TestFailure.Kind.usage, .badInput, .permission, .certificate])
    func hopeless(kind: TestFailure.Kind) {
        var tally = tally()
        let failure = TestFailure(kind, "never")
        let (tests, _) = run(&tally) { transport, _ in test(transport, failure: transport == .tls ? failure : nil) }
        #expect(tests == [[.quic, .tls]])
        tally.finish(.failed)
        #expect(tally.report.failure == failure)
        #expect(tally.report.figures.first?.median == Bitrate(bitsPerSecond: 100_000_000), "what was measured stays")
    }

    @Test("an interruption keeps the rounds that are complete")
    func interrupted() throws {
        var tally = tally([.quic, .tcp])
        for round in 1...3 {
            tally.add(test(.quic, 80), round: round)
            if round < 3 { tally.add(test(.tcp, 100), round: round) }
        }
        tally.interrupt()
        #expect(tally.report.failure?.kind == .interrupted)
        #expect(tally.report.end == .interrupted)
        let pair = try #require(tally.report.pairs.first)
        #expect(pair.rounds == 2)
        #expect(abs(try #require(pair.ratio) - 0.8) < 1e-9)
        #expect(pair.verdict == .less)
        #expect(tally.report.figures.first?.throughput.count == 3)
    }

    @Test("both directions of a bidirectional comparison have figures and ratios of their own")
    func bidirectional() throws {
        var tally = tally([.quic, .tcp], direction: .bidirectional)
        run(&tally) { transport, _ in test(transport, transport == .quic ? 50 : 100, download: 100) }
        #expect(tally.report.figures.map(\.direction) == [.upload, .download, .upload, .download])
        #expect(tally.report.pairs.map(\.direction) == [.upload, .download])
        #expect(tally.report.pairs.map(\.verdict) == [.less, .alike])
    }

    @Test(
        "the verdict: more, less, alike within the precision, or undecided",
        arguments: [
            (120, 0, .more), (80, 0, .less), (102, 0, .alike), (97, 0, .alike), (100, 40, .undecided),
            (108, 0, .more),
        ] as [(UInt64, UInt64, TransportPair.Verdict)])
    func verdicts(megabits: UInt64, scatter: UInt64, verdict: TransportPair.Verdict) throws {
        var tally = tally([.quic, .tcp], rounds: 5)
        run(&tally) { transport, round in
            guard transport == .quic else { return test(transport, 100) }
            return test(transport, round % 2 == 0 ? megabits + scatter : megabits - scatter / 2)
        }
        #expect(try #require(tally.report.pairs.first).verdict == verdict)
    }

    @Test("median, lowest and highest are those of the rounds, and a warning is told once")
    func figures() throws {
        var tally = tally([.quic, .tcp], rounds: 6)
        let rates: [UInt64] = [30, 10, 50, 20, 40, 60]
        run(&tally) { transport, round in
            var test = test(transport, rates[round - 1])
            test.handshake = HandshakeReport(duration: .milliseconds(round))
            test.warnings = [TestWarning(code: "loopback", message: "Both ends are on this machine.")]
            return test
        }
        let figures = try #require(tally.report.figures.first)
        // The ratio is the same in every round: five are enough.
        #expect(tally.report.rounds.count == 5)
        #expect(figures.lowest == Bitrate(bitsPerSecond: 10_000_000))
        #expect(figures.highest == Bitrate(bitsPerSecond: 50_000_000))
        #expect(figures.median == Bitrate(bitsPerSecond: 30_000_000))
        #expect(figures.handshake == .milliseconds(3))
        #expect(tally.report.warnings.map(\.code) == ["loopback"])
    }

    @Test("a server that claims years of processor time for a byte is reported, and ends nothing")
    func absurdServer() throws {
        var tally = tally([.quic, .tcp], rounds: 5)
        let years = Duration.seconds(300 * 86_400)
        run(&tally) { transport, _ in
            var test = test(transport)
            test.upload = DirectionSummary(bytesReceived: 1, duration: .milliseconds(1))
            test.server?.cpu = ProcessorUsage(user: years, system: years, threads: [])
            return test
        }
        let cost = try #require(tally.report.figures.first?.serverCPU)
        #expect(abs(cost.seconds / (2 * years.seconds * 1e9) - 1) < 1e-9)
    }

    @Test("a latency that is shorter under load stays below zero")
    func shorterUnderLoad() throws {
        func probes(_ milliseconds: Int) -> ProbeSummary {
            var summary = ProbeSummary(interval: .milliseconds(20), sent: 20, answered: 20)
            let time = Duration.milliseconds(milliseconds)
            var times = DelayDistribution(minimum: time, mean: time, median: time, maximum: time)
            times.percentile95 = time
            summary.roundTrips = times
            return summary
        }
        var tally = tally([.quic, .tcp], rounds: 5)
        run(&tally) { transport, _ in
            var test = test(transport)
            test.latency = LatencyReport(beside: LatencyComparison(idle: probes(25), loaded: probes(20)))
            return test
        }
        let increase = try #require(tally.report.figures.first?.latencyIncrease)
        #expect(abs(increase.seconds + 0.005) < 1e-9)
    }
}

import QrateMeasurement

/// Tests that measured latency.
extension SampleReports {
    static var latency: TestReport {
        var report = upload
        report.parameters.measuresLatency = true
        report.latency = LatencyReport(
            inside: comparison(median: 21_900, p95: 26_700), beside: comparison(median: 21_700, p95: 26_200))
        return report
    }

    /// Too short for percentiles, its answers lost or faster than idle.
    static var fewLatencyProbes: TestReport {
        var report = tcpUpload
        report.parameters.measuresLatency = true
        var inside = comparison(median: 21_900, p95: 26_700)
        inside.loaded = ProbeSummary(interval: .milliseconds(20), sent: 3)
        var beside = comparison(median: 19_900, p95: 20_100)
        beside.idle.sent = 21
        beside.loaded.uploadVariation = nil
        report.latency = LatencyReport(inside: inside, beside: beside)
        return report
    }

    private static func comparison(median: Int64, p95: Int64) -> LatencyComparison {
        var idle = ProbeSummary(interval: .milliseconds(50), sent: 20, answered: 20)
        idle.roundTrips = DelayDistribution(
            minimum: .microseconds(20_110), mean: .microseconds(20_350), median: .microseconds(20_300),
            maximum: .microseconds(21_020))
        idle.roundTrips?.percentile90 = .microseconds(20_700)
        idle.roundTrips?.percentile95 = .microseconds(20_980)
        idle.trimmedMean = .microseconds(20_320)
        var loaded = ProbeSummary(interval: .milliseconds(20), sent: 150, answered: 148)
        loaded.roundTrips = DelayDistribution(
            minimum: .microseconds(20_120), mean: .microseconds(median + 400), median: .microseconds(median),
            maximum: .microseconds(p95 + 2500))
        loaded.roundTrips?.percentile90 = .microseconds(p95 - 100)
        loaded.roundTrips?.percentile95 = .microseconds(p95)
        loaded.roundTrips?.percentile99 = .microseconds(p95 + 1000)
        loaded.trimmedMean = .microseconds(median + 100)
        loaded.uploadVariation = loaded.roundTrips.map { variation($0, share: 0.9) }
        loaded.downloadVariation = loaded.roundTrips.map { variation($0, share: 0.1) }
        return LatencyComparison(idle: idle, loaded: loaded)
    }

    /// What of the round trips' increase one direction has.
    private static func variation(_ roundTrips: DelayDistribution, share: Double) -> DelayDistribution {
        func part(_ value: Duration) -> Duration { max(.zero, (value - .microseconds(20_100)) * share) }
        var result = DelayDistribution(
            minimum: .zero, mean: part(roundTrips.mean), median: part(roundTrips.median),
            maximum: part(roundTrips.maximum))
        result.percentile90 = roundTrips.percentile90.map(part)
        result.percentile95 = roundTrips.percentile95.map(part)
        result.percentile99 = roundTrips.percentile99.map(part)
        return result
    }
}

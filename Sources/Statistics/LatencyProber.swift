package import QrateMeasurement

/// One series of probes: says when each is to be sent, takes the answers, and tells what they measured.
///
/// Sans I/O: sending and receiving are its owner's. Answers may come in any order, late, twice, or be made up by a peer:
/// nothing traps, nothing grows.
package struct LatencyProber: Sendable {
    /// Before payload, and while it moves.
    package enum Phase: Sendable, Hashable { case idle, loaded }

    /// A second of them, at 20 a second: enough for a median.
    package static let idleInterval = Duration.milliseconds(50)
    package static let idleCount = 20
    /// 500 in the ten seconds of a test, for 99th percentiles; 50 packets a second don't load a path.
    package static let loadedInterval = Duration.milliseconds(20)
    /// How long the last answers of a phase are waited for. A loaded path's queue may hold some seconds.
    package static let idlePatience = Duration.seconds(1)
    package static let loadedPatience = Duration.seconds(3)

    /// What is remembered of probes: more than a minute of them. Answers that take longer count as lost.
    static let memory = 4096

    /// A probe that was sent.
    private struct Record {
        var sequence: UInt64
        var intended: MonotonicTime
        var phase: Phase
        var isAnswered: Bool
    }

    /// At the place of their number modulo ``memory``.
    private var records: [Record?] = Array(repeating: nil, count: memory)
    private var nextSequence: UInt64 = 0
    private var schedule: ProbeSchedule?
    private var idle = PhaseMeter(interval: idleInterval)
    private var loaded = PhaseMeter(interval: loadedInterval)
    /// Differences of the two clocks for the fastest way so far, each way; in nanoseconds, wrapping around.
    private var fastestUpload: Int64?
    private var fastestDownload: Int64?

    /// The phase whose probes are sent, or were sent last.
    package private(set) var phase: Phase?

    package init() {}

    /// Ends what runs, and begins a phase.
    ///
    /// - Parameters:
    ///   - start: The first probe's time.
    ///   - duration: How long it lasts without being ended; nil for the idle phase's own count, and for a loaded one without
    ///     a planned end.
    package mutating func begin(_ phase: Phase, from start: MonotonicTime, lasting duration: Duration? = nil) {
        self.phase = phase
        switch phase {
        case .idle:
            schedule = ProbeSchedule(every: Self.idleInterval, from: start, count: Self.idleCount)
        case .loaded:
            let count = duration.map { max(1, Int(($0 / Self.loadedInterval).rounded(.up))) }
            schedule = ProbeSchedule(every: Self.loadedInterval, from: start, count: count)
        }
    }

    /// Sends no more but those that are due.
    package mutating func end(at now: MonotonicTime) { schedule?.end(at: now) }

    package mutating func setPaused(_ isPaused: Bool, at now: MonotonicTime) {
        schedule?.setPaused(isPaused, at: now)
    }

    /// When ``pollProbe(now:)`` has the next one; `.never` when it has none.
    package var nextDue: MonotonicTime { schedule?.next ?? .never }

    /// The number of a probe that is to be sent now; nil when none is. Call it until it is.
    package mutating func pollProbe(now: MonotonicTime) -> UInt64? {
        guard let phase, let intended = schedule?.pollDue(now: now) else { return nil }
        let sequence = nextSequence
        nextSequence += 1
        records[Self.place(sequence)] = Record(
            sequence: sequence, intended: intended, phase: phase, isAnswered: false)
        with(phase) { $0.sent += 1 }
        return sequence
    }

    /// - Parameters:
    ///   - receivedByPeer: When the peer received the probe, nanoseconds on its clock, whose origin doesn't matter.
    ///   - now: When the answer came.
    package mutating func handleAnswer(sequence: UInt64, receivedByPeer: UInt64, now: MonotonicTime) {
        let place = Self.place(sequence)
        guard let record = records[place], record.sequence == sequence, !record.isAnswered else { return }
        records[place]?.isAnswered = true
        let upload = Self.difference(receivedByPeer, record.intended.nanoseconds)
        let download = Self.difference(now.nanoseconds, receivedByPeer)
        let uploadVariation = Self.variation(upload, above: &fastestUpload)
        let downloadVariation = Self.variation(download, above: &fastestDownload)
        with(record.phase) { meter in
            meter.roundTrips.record(now - record.intended)
            meter.uploadVariation.record(uploadVariation)
            meter.downloadVariation.record(downloadVariation)
        }
    }

    /// Whether no probe is to be sent, and no answer is awaited any more.
    package func isSettled(now: MonotonicTime) -> Bool { settles(now: now) == nil }

    /// When it will be, unless answers come before, or the schedule goes on; nil when it is.
    ///
    /// A probe that was due for as long as an answer is awaited, and that nobody has sent, isn't waited for either.
    package func settles(now: MonotonicTime) -> MonotonicTime? {
        let patience = phase == .idle ? Self.idlePatience : Self.loadedPatience
        var latest = nextDue == .never || nextDue + patience <= now ? nil : nextDue + patience
        for case let record? in records where record.phase == phase && !record.isAnswered {
            let end = record.intended + patience
            if end > now { latest = max(latest ?? end, end) }
        }
        return latest
    }

    package var comparison: LatencyComparison { LatencyComparison(idle: idle.summary, loaded: loaded.summary) }

    // MARK: -

    private mutating func with(_ phase: Phase, _ body: (inout PhaseMeter) -> Void) {
        switch phase {
        case .idle: body(&idle)
        case .loaded: body(&loaded)
        }
    }

    private static func place(_ sequence: UInt64) -> Int { Int(sequence % UInt64(memory)) }

    private static func difference(_ end: UInt64, _ start: UInt64) -> Int64 { Int64(bitPattern: end &- start) }

    /// By how much a way took longer than the fastest so far, which it may become.
    private static func variation(_ current: Int64, above fastest: inout Int64?) -> Duration {
        let variation = current &- (fastest ?? current)
        guard variation > 0 else {
            fastest = current
            return .zero
        }
        return .nanoseconds(variation)
    }
}

/// What the probes of one phase measured.
private struct PhaseMeter: Sendable {
    let interval: Duration
    var sent: UInt64 = 0
    var roundTrips = LatencyMeter()
    var uploadVariation = LatencyMeter()
    var downloadVariation = LatencyMeter()

    init(interval: Duration) { self.interval = interval }

    var summary: ProbeSummary {
        var summary = ProbeSummary(interval: interval, sent: sent, answered: roundTrips.count)
        summary.roundTrips = roundTrips.distribution
        summary.trimmedMean = roundTrips.trimmedMean
        summary.uploadVariation = uploadVariation.distribution
        summary.downloadVariation = downloadVariation.distribution
        return summary
    }
}

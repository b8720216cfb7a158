import QrateKit
import QrateTerminalUI

/// How far a test is, for the progress line: this end's clock and the rows so far. Nothing is asked of the test for it.
struct TestProgress {
    private var parameters: TestParameters
    private let createdAt = ContinuousClock.now
    private var startedAt: ContinuousClock.Instant?
    private var received: [Direction: ByteCount] = [:]
    private var upload: Bitrate?
    private var download: Bitrate?

    init(_ parameters: TestParameters) { self.parameters = parameters }

    mutating func start(_ parameters: TestParameters) {
        self.parameters = parameters
        startedAt = .now
    }

    mutating func add(_ row: IntervalReport) {
        let rate = Bitrate(row.bytesReceived, over: row.length)
        if row.direction == .upload { upload = rate } else { download = rate }
        guard !row.isWarmUp else { return }
        received[row.direction, default: .zero] += row.bytesReceived
    }

    func line(at now: ContinuousClock.Instant) -> ProgressLine.State {
        guard let startedAt else { return ProgressLine.State(phase: .connecting, elapsed: now - createdAt) }
        let elapsed = now - startedAt
        if elapsed < parameters.warmUp {
            return ProgressLine.State(
                phase: .warmUp, elapsed: elapsed, duration: parameters.warmUp, upload: upload, download: download)
        }
        let measured = elapsed - parameters.warmUp
        let planned = parameters.limit.duration
        return ProgressLine.State(
            phase: planned.map { measured > $0 } ?? false ? .draining : .measuring, elapsed: measured,
            duration: planned, received: leastReceived, byteBudget: parameters.limit.byteBudget,
            isEndless: parameters.limit.isEndless, upload: upload, download: download)
    }

    /// Of the direction that is further from its end: a test ends with the later one.
    private var leastReceived: ByteCount? {
        switch parameters.direction {
        case .upload, .download: received[parameters.direction]
        case .bidirectional: min(received[.upload] ?? .zero, received[.download] ?? .zero)
        }
    }
}

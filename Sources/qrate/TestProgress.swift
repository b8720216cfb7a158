import QrateKit
import QrateTerminalUI

/// How far a test is, for the progress line: this end's clock and the rows so far. Nothing is asked of the test for it.
struct TestProgress {
    private var parameters: TestParameters
    private let createdAt = ContinuousClock.now
    private var startedAt: ContinuousClock.Instant?
    private var received: ByteCount?
    private var upload: Bitrate?
    private var download: Bitrate?

    init(_ parameters: TestParameters) { self.parameters = parameters }

    mutating func start(_ parameters: TestParameters) {
        self.parameters = parameters
        startedAt = .now
    }

    mutating func add(_ row: IntervalReport) {
        upload = row.upload.flatMap { Bitrate($0, over: row.length) }
        download = row.download.flatMap { Bitrate($0, over: row.length) }
        guard !row.isWarmUp else { return }
        received = (received ?? .zero) + max(row.upload ?? .zero, row.download ?? .zero)
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
            duration: planned,
            received: received, byteBudget: parameters.limit.byteBudget, upload: upload, download: download)
    }
}

import QrateKit
import QrateTerminalUI
import Testing

@testable import qrate

@Suite("how far a test is") struct TestProgressTests {
    private func row(_ direction: Direction, _ bytes: ByteCount, isWarmUp: Bool = false) -> IntervalReport {
        IntervalReport(direction, start: .zero, end: .seconds(1), isWarmUp: isWarmUp, bytesReceived: bytes)
    }

    @Test("a test in both directions is as far as the later of them")
    func bothDirections() {
        var progress = TestProgress(TestParameters(direction: .bidirectional, limit: .bytes(1000)))
        progress.start(TestParameters(direction: .bidirectional, limit: .bytes(1000)))
        progress.add(row(.upload, 1000))
        #expect(progress.line(at: .now).received == .zero)
        progress.add(row(.download, 125))
        let state = progress.line(at: .now)
        #expect(state.received == 125)
        #expect(state.upload == Bitrate(bitsPerSecond: 8000))
        #expect(state.download == Bitrate(bitsPerSecond: 1000))
    }

    @Test("a test in one direction counts that one, without its warm-up")
    func oneDirection() {
        var progress = TestProgress(TestParameters(direction: .download))
        progress.start(TestParameters(direction: .download))
        #expect(progress.line(at: .now).received == nil)
        progress.add(row(.download, 500, isWarmUp: true))
        progress.add(row(.download, 125))
        #expect(progress.line(at: .now).received == 125)
        #expect(progress.line(at: .now).upload == nil)
    }

    @Test("an endless test is measuring for as long as it lasts")
    func endless() {
        var progress = TestProgress(TestParameters(limit: .endless))
        progress.start(TestParameters(limit: .endless))
        let state = progress.line(at: .now + .seconds(100_000))
        #expect(state.phase == .measuring)
        #expect(state.isEndless)
        #expect(state.duration == nil)
    }
}

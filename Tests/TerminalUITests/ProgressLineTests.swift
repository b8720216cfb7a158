import QrateMeasurement
import Testing

@testable import QrateTerminalUI

@Suite("the progress line") struct ProgressLineTests {
    private let state = ProgressLine.State(
        phase: .measuring, elapsed: .milliseconds(3400), duration: .seconds(10),
        upload: Bitrate(bitsPerSecond: 812_000_000))

    @Test(
        "shows time, rate and a bar, as far as the width allows",
        arguments: [
            (200, "  3.4 s of 10 s    812 Mbit/s   ██████████░░░░░░░░░░░░░░░░░░░░"),
            (45, "  3.4 s of 10 s    812 Mbit/s   ████░░░░░░░░░"),
            (37, "  3.4 s of 10 s    812 Mbit/s   █░░░░"), (36, "  3.4 s of 10 s    812 Mbit/s"),
            (29, "  3.4 s of 10 s    812 Mbit/s"), (28, "  3.4 s of 10 s"), (20, "  3.4 s of 10 s"), (6, "  3.4 "),
            (0, ""),
            (-1, ""),
        ])
    func rendered(width: Int, line: String) {
        #expect(ProgressLine.render(state, width: width) == line)
    }

    @Test("is never wider than the terminal, and one plain line", arguments: 20...200)
    func bounded(width: Int) {
        var states = [ProgressLine.Phase.connecting, .warmUp, .measuring, .draining].map {
            ProgressLine.State(
                phase: $0, elapsed: .seconds(3599), duration: .seconds(3600), received: ByteCount(.max),
                byteBudget: 1, upload: Bitrate(bitsPerSecond: .max), download: Bitrate(bitsPerSecond: 0))
        }
        states.append(ProgressLine.State(phase: .measuring, elapsed: .seconds(Int64.max), duration: .zero))
        for state in states {
            let line = ProgressLine.render(state, width: width)
            #expect(line.count <= width)
            #expect(line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
        }
    }

    @Test("without a planned length it counts bytes, or just time")
    func otherLimits() {
        var state = state
        state.duration = nil
        state.byteBudget = 1_000_000_000
        state.received = 512_000_000
        #expect(ProgressLine.render(state, width: 48) == "  512 MB of 1.00 GB    812 Mbit/s   ██████░░░░░░")
        state.byteBudget = nil
        #expect(ProgressLine.render(state, width: 48) == "  3.4 s    812 Mbit/s")
    }

    @Test("an endless test says what ends it, and has no bar")
    func endless() {
        var state = state
        state.duration = nil
        state.isEndless = true
        #expect(ProgressLine.render(state, width: 80) == "  3.4 s, Ctrl-C ends it    812 Mbit/s")
        state.download = Bitrate(bitsPerSecond: 16_100_000_000)
        #expect(
            ProgressLine.render(state, width: 80) == "  3.4 s, Ctrl-C ends it   up  812 Mbit/s, down 16.1 Gbit/s")
        state.phase = .warmUp
        state.duration = .seconds(5)
        #expect(ProgressLine.render(state, width: 40).hasPrefix("  warm-up, 3.4 s of 5 s"))
    }

    @Test("with two limits the bar shows the one that is nearer")
    func nearerLimit() {
        var state = state
        state.byteBudget = 100
        state.received = 50
        #expect(ProgressLine.render(state, width: 42).hasSuffix("   █████░░░░░"))
    }

    @Test("a bar is full at most, however late the test is")
    func overrun() {
        var state = state
        state.elapsed = .seconds(11)
        #expect(ProgressLine.render(state, width: 42) == "  11.0 s of 10 s    812 Mbit/s   █████████")
    }

    @Test("both directions have a rate each")
    func bothDirections() {
        var state = state
        state.download = Bitrate(bitsPerSecond: 16_100_000_000)
        #expect(ProgressLine.render(state, width: 50) == "  3.4 s of 10 s   up  812 Mbit/s, down 16.1 Gbit/s")
    }

    @Test(
        "each phase says what it is",
        arguments: [
            (ProgressLine.Phase.connecting, "  connecting, 3.4 s"), (.warmUp, "  warm-up, 3.4 s of 10 s"),
            (.draining, "  waiting for what is still under way, 3.4 s"),
        ])
    func phases(phase: ProgressLine.Phase, line: String) {
        var state = state
        state.phase = phase
        state.upload = nil
        #expect(ProgressLine.render(state, width: 50).hasPrefix(line))
    }
}

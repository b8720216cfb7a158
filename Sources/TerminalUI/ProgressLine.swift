package import QrateMeasurement

/// The line that a terminal shows while a test runs, below the rows that are final.
///
/// It is a pure function of what is known: the caller draws it with ``erase`` before it, and writes ``erase`` alone
/// before anything else goes to the terminal.
package enum ProgressLine {
    /// Back to the first column, and that line emptied (ECMA-48: CR, then EL with parameter 2).
    package static let erase = "\r\u{1B}[2K"

    /// How far a test is.
    package struct State: Sendable, Hashable {
        package var phase: Phase
        /// In the phase, not in the test.
        package var elapsed: Duration
        /// The planned length of the phase; nil where only a byte budget ends it, or nothing does.
        package var duration: Duration?
        /// Received in the measured window; the smaller count with two directions, because the test ends with the later.
        package var received: ByteCount?
        package var byteBudget: ByteCount?
        /// Nothing but the user ends the test.
        package var isEndless: Bool
        /// The latest rates. Both with two directions, none before something was measured.
        package var upload: Bitrate?
        package var download: Bitrate?

        package init(
            phase: Phase, elapsed: Duration, duration: Duration? = nil, received: ByteCount? = nil,
            byteBudget: ByteCount? = nil, isEndless: Bool = false, upload: Bitrate? = nil, download: Bitrate? = nil
        ) {
            self.phase = phase
            self.elapsed = elapsed
            self.duration = duration
            self.received = received
            self.byteBudget = byteBudget
            self.isEndless = isEndless
            self.upload = upload
            self.download = download
        }
    }

    package enum Phase: Sendable, Hashable { case connecting, warmUp, measuring, draining }

    /// - Parameter width: Columns of the terminal.
    /// - Returns: One line without its end, of at most `width` characters. Where room is short, the bar goes first, then
    ///   the rate, and at last the text is cut.
    package static func render(_ state: State, width: Int) -> String {
        let position = "  " + self.position(state)
        guard position.count <= width else { return cut(position, width: width) }
        let rate = rate(state).map { gap + $0 } ?? ""
        guard position.count + rate.count <= width else { return position }
        let bar = bar(state, width: min(width - position.count - rate.count - gap.count, widestBar))
        return position + rate + (bar.map { gap + $0 } ?? "")
    }

    /// A line of another shape, as far as there is room for it.
    package static func cut(_ line: String, width: Int) -> String { String(line.prefix(max(width, 0))) }

    private static let gap = "   "
    /// Shorter than this it says nothing, longer than this it says nothing more.
    private static let narrowestBar = 5
    private static let widestBar = 30

    private static func position(_ state: State) -> String {
        switch state.phase {
        case .connecting: "connecting, \(seconds(state.elapsed))"
        case .warmUp: "warm-up, \(progress(state))"
        case .measuring: progress(state)
        case .draining: "waiting for what is still under way, \(seconds(state.elapsed))"
        }
    }

    private static func progress(_ state: State) -> String {
        if let duration = state.duration { return "\(seconds(state.elapsed)) of \(duration.secondsWithoutZeros)" }
        if let budget = state.byteBudget { return "\(state.received ?? .zero) of \(budget)" }
        return seconds(state.elapsed) + (state.isEndless ? ", Ctrl-C ends it" : "")
    }

    private static func rate(_ state: State) -> String? {
        switch (state.upload, state.download) {
        case (let upload?, let download?): "up \(padded(upload)), down \(padded(download))"
        case (let rate?, nil), (nil, let rate?): padded(rate)
        case (nil, nil): nil
        }
    }

    private static func bar(_ state: State, width: Int) -> String? {
        guard width >= narrowestBar, let fraction = fraction(state) else { return nil }
        let filled = Int(fraction * Double(width))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
    }

    /// What part of the phase is over, 0...1: with two limits, that of the one which is nearer.
    private static func fraction(_ state: State) -> Double? {
        guard state.phase == .measuring || state.phase == .warmUp else { return nil }
        var fractions: [Double] = []
        if let duration = state.duration, duration > .zero {
            fractions.append(state.elapsed.seconds / duration.seconds)
        }
        if let budget = state.byteBudget, budget > .zero, let received = state.received {
            fractions.append(Double(received.bytes) / Double(budget.bytes))
        }
        return fractions.max().map { min(max($0, 0), 1) }
    }

    /// As wide as the widest rate, so that what follows stands still.
    private static func padded(_ rate: Bitrate) -> String {
        let text = "\(rate)"
        return String(repeating: " ", count: max("99.9 Mbit/s".count - text.count, 0)) + text
    }

    private static func seconds(_ duration: Duration) -> String { fixedPoint(duration.seconds, decimals: 1) + " s" }
}

package import QrateMeasurement

/// Divides what a receiver counts into warm-up, interval rows, measured window and drain (DESIGN.md section 1).
///
/// The window opens at the first payload byte plus the warm-up, and closes after the planned duration or when the
/// byte budget is in. The meter is driven by cumulative counters: call ``advance(to:counters:)`` *before* the bytes of
/// a batch that arrived at `now` are added, so that what is counted so far arrived before `now`. Rows therefore end
/// exactly on their boundaries, however late the thread woke up, and they add up to the totals.
///
/// Owned by the thread that counts. No clock, no allocation between rows.
package struct ReceiveMeter: Sendable {
    private let warmUp: Duration
    private let interval: Duration
    private let duration: Duration?
    private let byteBudget: ByteCount?
    private let streams: Int

    private var phase = Phase.waiting
    /// Meaningless before `hasOpened`.
    private var opened = MonotonicTime(nanoseconds: 0)
    private var hasOpened = false
    /// The counters when the running row began, when the window opened, and when it closed.
    private var atRowStart: [UInt64]
    private var atWindowStart: [UInt64]
    private var atWindowEnd: [UInt64]
    private var rowStart = Duration.zero
    private var windowEnd: Duration?
    /// Since when its time stands still.
    private var pausedAt: MonotonicTime?
    /// The course of the rate, from the first byte to the window's end.
    private var profile = RateProfile()

    /// When the next row ends or the window closes; ``MonotonicTime/never`` while nothing is due. A driver wakes then.
    package private(set) var nextBoundary = MonotonicTime.never

    private enum Phase { case waiting, warmUp, measuring, closed }

    package init(
        streams: Int, warmUp: Duration, interval: Duration, duration: Duration?, byteBudget: ByteCount? = nil
    ) {
        self.streams = streams
        self.warmUp = warmUp
        self.interval = interval
        self.duration = duration
        self.byteBudget = byteBudget
        atRowStart = Array(repeating: 0, count: streams)
        atWindowStart = atRowStart
        atWindowEnd = atRowStart
    }

    /// One finished row. Times count from the first payload byte.
    package struct Row: Sendable, Hashable {
        package var start: Duration
        package var end: Duration
        package var isWarmUp: Bool
        package var streams: [ByteCount]
    }

    /// Whether the first payload byte has been seen.
    package var isOpen: Bool { hasOpened }
    package var isClosed: Bool { phase == .closed }
    /// When the first payload byte arrived.
    package var openedAt: MonotonicTime? { isOpen ? opened : nil }

    /// The first payload arrived at `now`. Later calls change nothing.
    package mutating func open(at now: MonotonicTime) {
        guard phase == .waiting else { return }
        opened = now
        hasOpened = true
        phase = warmUp > .zero ? .warmUp : .measuring
        scheduleNext()
    }

    /// So much new payload had arrived at `now`, for ``steadyState``. What comes after the end, or before ``open(at:)``, is
    /// left out.
    package mutating func note(_ bytes: UInt64, at now: MonotonicTime) {
        guard hasOpened, phase != .closed else { return }
        // Threads read the clock before they get here: one may be a little earlier than the first byte.
        let time = pausedAt ?? now
        profile.record(bytes, at: time > opened ? time.nanoseconds - opened.nanoseconds : 0)
    }

    /// How the rate came to its plateau; nil before the window's end.
    package var steadyState: SteadyState? {
        guard phase == .closed, let windowEnd, windowEnd > warmUp else { return nil }
        return profile.steadyState(from: warmUp, length: windowEnd - warmUp)
    }

    /// Whether ``advance(to:counters:)`` has anything to do. Cheap enough for every batch.
    package func isDue(at now: MonotonicTime) -> Bool { now >= nextBoundary }

    /// Ends every row whose boundary has come, and the window. `counters` holds what had arrived before `now`.
    package mutating func advance(to now: MonotonicTime, counters: UnsafeBufferPointer<UInt64>) -> [Row] {
        var rows: [Row] = []
        while now >= nextBoundary, phase != .closed {
            rows.append(endRow(at: nextBoundary - opened, counters))
            switch phase {
            case .warmUp where rowStart >= warmUp:
                phase = .measuring
                atWindowStart = atRowStart
            case .measuring where duration.map({ rowStart >= warmUp + $0 }) ?? false:
                close(at: rowStart)
            default: break
            }
            scheduleNext()
        }
        return rows
    }

    /// The window's time stands still from `now` on: call ``advance(to:counters:)`` before. What still arrives counts.
    package mutating func pause(at now: MonotonicTime) {
        guard pausedAt == nil else { return }
        pausedAt = now
        nextBoundary = .never
    }

    /// Its time goes on as if the pause had not been.
    package mutating func resume(at now: MonotonicTime) {
        guard let since = pausedAt else { return }
        pausedAt = nil
        guard hasOpened else { return }
        // One that opened in the pause has been open for no time at all.
        opened = opened >= since ? now : opened + (now - since)
        scheduleNext()
    }

    /// Closes the window now: the last byte of a budget came, or the test is being ended. The last, shorter row is
    /// returned unless it is empty of time.
    package mutating func close(at now: MonotonicTime, counters: UnsafeBufferPointer<UInt64>) -> [Row] {
        guard phase != .closed else { return [] }
        guard phase != .waiting else {
            phase = .closed
            return []
        }
        var rows = advance(to: now, counters: counters)
        guard phase != .closed else { return rows }
        let end = (pausedAt ?? now) - opened
        if phase == .warmUp {
            // Nothing was measured: the window never opened.
            if end > rowStart { rows.append(endRow(at: end, counters)) }
            atWindowStart = atRowStart
            atWindowEnd = atRowStart
            phase = .closed
            nextBoundary = .never
            return rows
        }
        if end > rowStart { rows.append(endRow(at: end, counters)) } else { atRowStart = copy(counters) }
        close(at: end)
        return rows
    }

    /// Whether the byte budget has arrived, given the total of the counters.
    package func budgetIsIn(_ total: UInt64) -> Bool { byteBudget.map { total >= $0.bytes } ?? false }

    /// The counts so far, given the cumulative counters now: while the window is open, those of its finished rows, so
    /// that bytes and duration always belong together.
    package func totals(counters: UnsafeBufferPointer<UInt64>) -> Totals {
        let now = copy(counters)
        switch phase {
        case .waiting: return Totals(measured: zeros, warmUp: .zero, drained: .zero, duration: nil)
        case .warmUp: return Totals(measured: zeros, warmUp: sum(now), drained: .zero, duration: nil)
        case .measuring:
            return Totals(
                measured: difference(atRowStart, atWindowStart), warmUp: sum(atWindowStart), drained: .zero,
                duration: rowStart > warmUp ? rowStart - warmUp : nil)
        case .closed:
            return Totals(
                measured: difference(atWindowEnd, atWindowStart), warmUp: sum(atWindowStart),
                drained: ByteCount(sum(now).bytes - sum(atWindowEnd).bytes),
                duration: windowEnd.flatMap { $0 > warmUp ? $0 - warmUp : nil })
        }
    }

    /// The counts of one direction at its receiver.
    package struct Totals: Sendable, Hashable {
        package var measured: [ByteCount]
        package var warmUp: ByteCount
        package var drained: ByteCount
        /// nil when no payload came inside the window.
        package var duration: Duration?
    }

    // MARK: -

    private var zeros: [ByteCount] { Array(repeating: .zero, count: streams) }

    private mutating func close(at end: Duration) {
        atWindowEnd = atRowStart
        windowEnd = end
        phase = .closed
        nextBoundary = .never
    }

    private mutating func endRow(at end: Duration, _ counters: UnsafeBufferPointer<UInt64>) -> Row {
        let now = copy(counters)
        defer {
            atRowStart = now
            rowStart = end
        }
        return Row(start: rowStart, end: end, isWarmUp: phase == .warmUp, streams: difference(now, atRowStart))
    }

    /// The next row boundary: a whole interval from where the phase began, cut short by the phase's end.
    private mutating func scheduleNext() {
        guard pausedAt == nil else { return nextBoundary = .never }
        switch phase {
        case .waiting, .closed: nextBoundary = .never
        case .warmUp: nextBoundary = opened + min(rowStart + interval, warmUp)
        case .measuring:
            let next = rowStart + interval
            // A last row shorter than a tenth of an interval would be noise: it is joined to the one before.
            guard let duration else { return nextBoundary = opened + next }
            let end = warmUp + duration
            nextBoundary = opened + (next + interval / 10 > end ? end : next)
        }
    }

    private func copy(_ counters: UnsafeBufferPointer<UInt64>) -> [UInt64] {
        (0..<streams).map { $0 < counters.count ? counters[$0] : 0 }
    }

    private func difference(_ later: [UInt64], _ earlier: [UInt64]) -> [ByteCount] {
        zip(later, earlier).map { ByteCount($0 - $1) }
    }

    private func sum(_ counts: [UInt64]) -> ByteCount { ByteCount(counts.reduce(0, +)) }
}

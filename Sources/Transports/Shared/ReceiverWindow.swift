package import QrateMeasurement
package import QrateStatistics
package import QrateTransportAPI
import Synchronization

/// The measured window of a receiver whose streams are counted by several threads.
///
/// One lock around one ``ReceiveMeter``: a thread takes it once per *batch* (a 100 KiB read, a run of merged datagrams),
/// some 20 ns, and whoever crosses a row's boundary first ends the row for all streams. Somebody has to call ``tick(at:)``
/// when the boundary comes and no payload does.
package final class ReceiverWindow: Sendable {
    private let plan: DataPlan
    private let events: AsyncStream<PlaneEvent>.Continuation
    private let state: Mutex<State>

    private struct State {
        var meter: ReceiveMeter
        /// Payload per stream since the plane began.
        var received: [UInt64]
        var total: UInt64 = 0
        /// Where the payload comes in datagrams.
        var datagrams: DatagramMeters?
        var endings: [StreamEnding?]
        /// Streams that ended with datagrams still to come, maybe: the end isn't reported before.
        var straggling: Set<Int> = []
        /// When a row was ended last: threads read the clock before they get here, maybe in another order.
        var advancedAt = MonotonicTime(nanoseconds: 0)
        var rowCount = 0
        var hasReportedReceived = false
    }

    /// How a stream ended at its receiver.
    package enum StreamEnding: Sendable {
        /// Its sender said that this was all.
        case finished
        /// It was cut off: something may be missing.
        case reset
    }

    /// - Parameter countsDatagrams: Whether the payload comes in numbered datagrams, to be given to
    ///   ``countDatagrams(stream:at:_:)`` instead of ``count(_:stream:at:)``.
    package init(
        _ plan: DataPlan, _ events: AsyncStream<PlaneEvent>.Continuation, countsDatagrams: Bool = false
    ) {
        self.plan = plan
        self.events = events
        let meter = ReceiveMeter(
            streams: plan.streams, warmUp: plan.warmUp, interval: plan.interval, duration: plan.limit.duration,
            byteBudget: plan.limit.byteBudget)
        state = Mutex(
            State(
                meter: meter, received: Array(repeating: 0, count: plan.streams),
                datagrams: countsDatagrams ? DatagramMeters(flows: plan.streams) : nil,
                endings: Array(repeating: nil, count: plan.streams)))
    }

    /// When the first payload came.
    package var openedAt: MonotonicTime? { state.withLock { $0.meter.openedAt } }

    /// Whether the end was reported: every stream has ended and the window is closed. Nothing is due any more.
    package var isSettled: Bool { state.withLock { $0.hasReportedReceived } }

    /// When the window closes by itself, as far as is known now: a pause moves it. nil before it opens, and when it has no
    /// planned end.
    package var plannedEnd: MonotonicTime? {
        guard let duration = plan.limit.duration, let openedAt else { return nil }
        return openedAt + plan.warmUp + duration
    }

    /// Whether as much payload has come as the test is to move; false when that isn't limited.
    package var isBudgetIn: Bool { state.withLock { $0.meter.budgetIsIn($0.total) } }

    /// Counts payload that had arrived at `now`.
    ///
    /// - Parameter stream: 0 for stream 1.
    package func count(_ bytes: Int, stream: Int, at now: MonotonicTime) {
        guard bytes > 0 else { return }
        state.withLock { state in
            advance(&state, now)
            add(bytes, stream, &state, now)
        }
    }

    /// Counts what had arrived at `now` by counters that only grow.
    ///
    /// - Parameters:
    ///   - totals: Payload since the plane began, for each of `streams`.
    ///   - streams: 0 for stream 1.
    /// - Returns: When the next row ends; `.never` while none is due.
    package func count(
        _ totals: UnsafeBufferPointer<UInt64>, streams: Range<Int>, at now: MonotonicTime
    ) -> MonotonicTime {
        state.withLock { state in
            advance(&state, now)
            var sum: UInt64 = 0
            for (stream, total) in zip(streams, totals) where total > state.received[stream] {
                sum += total - state.received[stream]
                state.received[stream] = total
            }
            state.total += sum
            counted(sum, &state, now)
            return state.meter.nextBoundary
        }
    }

    /// Counts a run of datagrams that had arrived at `now`, or what else there is to know of them.
    ///
    /// - Parameters:
    ///   - stream: 0 for stream 1.
    ///   - body: Records them, after rows whose boundary has come were ended, and gives the payload bytes that were new.
    package func countDatagrams(stream: Int, at now: MonotonicTime, _ body: (inout DatagramMeters) -> Int) {
        state.withLock { state in
            advance(&state, now)
            let bytes = state.datagrams.mutate(body) ?? 0
            add(bytes, stream, &state, now)
        }
    }

    /// The streams of a connection bring nothing more, but maybe datagrams that were overtaken.
    ///
    /// - Parameters:
    ///   - resets: How many of them were cut off.
    ///   - mayStraggle: Whether the end isn't to be reported before ``noStragglers(stream:at:)`` of the first of them.
    package func end(streams: Range<Int>, resets: Int, mayStraggle: Bool, at now: MonotonicTime) {
        state.withLock { state in
            for (index, stream) in streams.enumerated() where state.endings[stream] == nil {
                state.endings[stream] = index < resets ? .reset : .finished
            }
            if mayStraggle, let first = streams.first { state.straggling.insert(first) }
            settle(&state, now)
        }
    }

    /// Nothing more of it will come.
    package func noStragglers(stream: Int, at now: MonotonicTime) {
        state.withLock { state in
            state.straggling.remove(stream)
            settle(&state, now)
        }
    }

    /// Whether a flow's sender has said how many datagrams it sent, and all of them came.
    package func isWhole(flow: Int) -> Bool { state.withLock { $0.datagrams?.isWhole(flow: flow) ?? true } }

    /// The stream brings nothing more. A second ending of a stream changes nothing.
    package func end(stream: Int, _ ending: StreamEnding, at now: MonotonicTime) {
        state.withLock { state in
            if state.endings[stream] == nil { state.endings[stream] = ending }
            settle(&state, now)
        }
    }

    /// Ends the rows whose boundary has come. Somebody has to call it until ``isSettled``, also after the last stream has
    /// ended.
    ///
    /// - Returns: When the next boundary comes; `.never` while none is due. The window's opening makes one due.
    @discardableResult
    package func tick(at now: MonotonicTime) -> MonotonicTime {
        state.withLock { state in
            advance(&state, now)
            settle(&state, now)
            return state.meter.nextBoundary
        }
    }

    /// The window's time stands still from `now`, or goes on.
    package func setPaused(_ isPaused: Bool, at now: MonotonicTime) {
        state.withLock { state in
            advance(&state, now)
            if isPaused { state.meter.pause(at: now) } else { state.meter.resume(at: now) }
        }
    }

    /// Closes the window now, if it is still open.
    package func closeWindow(at now: MonotonicTime) -> ClosedWindow {
        state.withLock { state in
            close(&state, now)
            return ClosedWindow(totals(state), rowCount: state.rowCount)
        }
    }

    // MARK: -

    private func add(_ bytes: Int, _ stream: Int, _ state: inout State, _ now: MonotonicTime) {
        guard bytes > 0 else { return }
        state.received[stream] += UInt64(bytes)
        state.total += UInt64(bytes)
        counted(UInt64(bytes), &state, now)
    }

    /// Opens the window with the first payload byte, and closes it with a budget's last.
    private func counted(_ new: UInt64, _ state: inout State, _ now: MonotonicTime) {
        guard state.total > 0 else { return }
        if !state.meter.isOpen {
            state.meter.open(at: now)
            events.yield(.receiving)
        }
        if new > 0 { state.meter.note(new, at: now) }
        if !state.meter.isClosed, state.meter.budgetIsIn(state.total) { close(&state, now) }
    }

    private func advance(_ state: inout State, _ now: MonotonicTime) {
        guard state.meter.isDue(at: now) else { return }
        state.advancedAt = max(state.advancedAt, now)
        publish(&state, state.received.withUnsafeBufferPointer { state.meter.advance(to: now, counters: $0) })
    }

    private func close(_ state: inout State, _ now: MonotonicTime) {
        let now = max(now, state.advancedAt)  // not before the last row's end
        publish(&state, state.received.withUnsafeBufferPointer { state.meter.close(at: now, counters: $0) })
    }

    /// Reports the end, once every stream has ended and the window is closed.
    private func settle(_ state: inout State, _ now: MonotonicTime) {
        guard !state.hasReportedReceived, state.endings.allSatisfy({ $0 != nil }) else { return }
        // The senders' clocks end a timed test about when the window closes: it is kept open to its planned end.
        // Nothing more can come when there is no planned end, or when the sender gave up.
        let isWhole = state.endings.allSatisfy { $0 == .finished }
        let endsByItself = state.meter.isOpen && plan.limit.duration != nil && isWhole
        if !state.meter.isClosed, !endsByItself { close(&state, now) }
        guard state.meter.isClosed, state.straggling.isEmpty else { return }
        state.hasReportedReceived = true
        events.yield(.receiversDone(totals(state)))
    }

    private func totals(_ state: borrowing State) -> ReceivedTotals {
        let totals = state.received.withUnsafeBufferPointer { state.meter.totals(counters: $0) }
        return ReceivedTotals(
            measured: totals.measured, warmUp: totals.warmUp, drained: totals.drained, duration: totals.duration,
            isComplete: state.endings.allSatisfy { $0 == .finished }, datagrams: state.datagrams?.totals(),
            steadyState: state.meter.steadyState)
    }

    /// Under the lock, so that rows come in their order whichever thread ended them.
    private func publish(_ state: inout State, _ rows: [ReceiveMeter.Row]) {
        state.rowCount += rows.count
        for row in rows {
            let datagrams = state.datagrams.mutate { $0.endRow(isWarmUp: row.isWarmUp) }
            events.yield(
                .interval(
                    ReceivedInterval(
                        start: row.start, end: row.end, isWarmUp: row.isWarmUp, streams: row.streams,
                        datagrams: datagrams)))
        }
    }
}

extension Optional {
    /// Changes what is there, in place: `map` would copy it.
    fileprivate mutating func mutate<Result>(_ body: (inout Wrapped) -> Result) -> Result? {
        guard self != nil else { return nil }
        return body(&self!)  // checked in the line before
    }
}

import QrateMeasurement
import QrateSockets
import Synchronization

/// The processor time of a thread that carries one stream one way, from the stream's first payload to its last.
final class ThreadMeter: Sendable {
    private let name: String
    private let state = Mutex(State.waiting)
    /// Nanoseconds in which the thread looked for payload in vain.
    private let lookout = Atomic<UInt64>(0)

    private enum State {
        case waiting
        case running(ThreadClock, since: MonotonicTime, used: ThreadTimes)
        case over(ThreadUsage)
    }

    init(_ name: String) { self.name = name }

    /// Payload begins to move. On the thread; only the first call counts.
    func begin() {
        state.withLock { state in
            guard case .waiting = state else { return }
            // Time is read before, and at the end behind, the processor time: no more of that can fit in.
            let now = MonotonicClock.now()
            guard let used = ThreadClock.own else { return }
            lookout.store(0, ordering: .relaxed)
            state = .running(ThreadClock(), since: now, used: used)
        }
    }

    /// The last payload has moved. On the thread; only the first call counts.
    func end() {
        state.withLock { state in
            guard case .running(_, let since, let before) = state, let times = ThreadClock.own else { return }
            state = .over(usage(times, since: since, before))
        }
    }

    /// The thread looked for payload all the time, and none came. On the thread.
    func lookedOut(for time: Duration) { lookout.wrappingAdd(time.nanoseconds, ordering: .relaxed) }

    /// From any thread; nil before payload moved.
    var usage: ThreadUsage? {
        state.withLock { state in
            switch state {
            case .waiting: nil
            case .running(let clock, let since, let before):
                clock.times.map { usage($0, since: since, before) }
            case .over(let usage): usage
            }
        }
    }

    private func usage(_ times: ThreadTimes, since: MonotonicTime, _ before: ThreadTimes) -> ThreadUsage {
        ThreadUsage(
            name: name, user: max(times.user - before.user, .zero), system: max(times.system - before.system, .zero),
            elapsed: MonotonicClock.now() - since,
            lookout: .nanoseconds(Int64(clamping: lookout.load(ordering: .relaxed))))
    }
}

/// The meters of a plane with a thread per stream and direction.
struct StreamMeters: Sendable {
    let sending: [ThreadMeter]
    let receiving: [ThreadMeter]

    init(streams: Int) {
        sending = (0..<streams).map { ThreadMeter("send \($0 + 1)") }
        receiving = (0..<streams).map { ThreadMeter("receive \($0 + 1)") }
    }

    /// nil before payload moved.
    var usage: ProcessorUsage? { ProcessorUsage((sending + receiving).compactMap(\.usage)) }
}

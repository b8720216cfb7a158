import QrateMeasurement
import QrateSockets
import Synchronization
import Testing

@Suite("a thread's processor time") struct ThreadClockTests {
    @Test("is the same from inside and from another thread")
    func insideAndOutside() throws {
        let (hasRead, mayEnd) = (try StopSignal(), try StopSignal())
        let inside = Mutex<(clock: ThreadClock, times: ThreadTimes?)?>(nil)
        let thread = DedicatedThread(name: "qrate-test") {
            work(for: .milliseconds(20))
            inside.withLock { $0 = (ThreadClock(), ThreadClock.own) }
            hasRead.raise()
            _ = StreamPoll.wait(for: [], on: nil, mayEnd, nanoseconds: nil)
        }
        _ = StreamPoll.wait(for: [], on: nil, hasRead, nanoseconds: nil)
        let (clock, times) = try #require(inside.withLock { $0 })
        let outside = clock.times
        mayEnd.raise()
        thread.join()
        let (before, after) = (try #require(times).total, try #require(outside).total)
        #expect(before >= .milliseconds(20))
        #expect(after >= before - .microseconds(2), "both count the same; one of them in whole microseconds")
    }

    @Test("doesn't hold what other threads use")
    func others() throws {
        let result = Mutex<ThreadTimes?>(nil)
        DedicatedThread(name: "qrate-test") {
            DedicatedThread(name: "qrate-test") { work(for: .milliseconds(50)) }.join()
            result.withLock { $0 = ThreadClock.own }
        }.join()
        #expect(try #require(result.withLock { $0 }).total < .milliseconds(50))
    }
}

/// Keeps the thread busy for so much processor time.
private func work(for time: Duration) { while (ThreadClock.own?.total ?? time) < time {} }

/// The continuous clock, slept on in naps.
///
/// A cancelled `Task.sleep` leaves a timer behind that lasts until the time it was set for, with half a kilobyte of
/// memory. Most of our timers are cancelled, and some are set for an hour: in naps, what they leave is gone soon.
package struct NappingClock: Clock {
    package typealias Instant = ContinuousClock.Instant

    /// The longest that a cancelled sleep can leave something behind. A session sleeps on a handful of timers, so that
    /// this costs nothing that could be measured.
    private static let nap = Duration.seconds(5)

    private let clock = ContinuousClock()

    package init() {}

    package var now: Instant { clock.now }
    package var minimumResolution: Duration { clock.minimumResolution }

    package func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        while clock.now.advanced(by: Self.nap) < deadline { try await clock.sleep(for: Self.nap) }
        try await clock.sleep(until: deadline, tolerance: tolerance)
    }
}

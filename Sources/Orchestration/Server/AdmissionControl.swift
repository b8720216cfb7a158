package import QrateMeasurement

/// Which tests a server takes, given those that run.
package struct AdmissionControl: Sendable {
    package struct Limits: Sendable, Hashable {
        package var tests = 64
        package var streams = 128
        /// Threads that move payload, of all tests whose transport has one per stream and direction. QUIC has none.
        package var dataThreads = 1024
        /// Warm-up and measured window together; tests with a byte budget, or without an end, end by then, too.
        package var duration = TestParameters.longestTest
        /// A client that is silent for longer, while its payload or its reports are due, is given up.
        package var silence = Tunables.idle
        /// Take one test, ever.
        package var isOneOff = false

        package init() {}
    }

    package let limits: Limits
    package private(set) var running = 0
    package private(set) var dataThreads = 0
    private var taken = 0

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    /// Takes a place for the test, or says which limit refuses it. ``leave(_:)`` gives the place back.
    package mutating func admit(_ test: TestParameters) -> TestFailure? {
        if let refusal = refusal(of: test) { return TestFailure(.refused, refusal) }
        running += 1
        dataThreads += test.dataThreads
        taken += 1
        return nil
    }

    package mutating func leave(_ test: TestParameters) {
        running = max(0, running - 1)
        dataThreads = max(0, dataThreads - test.dataThreads)
    }

    private func refusal(of test: TestParameters) -> String? {
        if limits.isOneOff, taken > 0 { return "This server takes one test only (--one-off), and has taken it." }
        if running >= limits.tests {
            return "This server is busy: its limit of tests at once (--max-tests) is \(limits.tests), "
                + "and \(running) run."
        }
        if test.streams > limits.streams {
            return "\(test.streams) streams are more than this server's limit of \(limits.streams)."
        }
        if dataThreads + test.dataThreads > limits.dataThreads {
            return "This server is busy: its limit of data threads is \(limits.dataThreads), \(dataThreads) run, and "
                + "this test needs \(test.dataThreads)."
        }
        if let window = test.limit.duration, window + test.warmUp > limits.duration {
            return "A test of \(text(window + test.warmUp)) (warm-up included) is longer than this server's limit "
                + "(--max-duration) of \(text(limits.duration))."
        }
        return nil
    }

    private func text(_ duration: Duration) -> String { fixedPoint(duration.seconds, decimals: 3) + " s" }
}

extension TestParameters {
    /// One per stream and direction, except on QUIC, where the endpoint's thread moves everything.
    fileprivate var dataThreads: Int {
        guard transport != .quic else { return 0 }
        return direction == .bidirectional ? 2 * streams : streams
    }
}

import QrateControlProtocol
package import QrateMeasurement

extension TestParameters {
    /// Why no server could run this test, or nil.
    package var usageFailure: TestFailure? {
        func usage(_ message: String) -> TestFailure { TestFailure(.usage, message) }
        if direction == .bidirectional {
            return usage("Tests in both directions at once (--bidir) are not available in this version.")
        }
        if !Self.streamLimits.contains(streams) {
            return usage(
                "\(streams) streams (-P): a test has \(Self.streamLimits.lowerBound) to "
                    + "\(Self.streamLimits.upperBound).")
        }
        if let duration = limit.duration, duration < .milliseconds(1) {
            return usage("A duration (-t) of \(duration) is too short to measure anything.")
        }
        if limit.byteBudget == .zero { return usage("A byte budget (-n) of 0 leaves nothing to send.") }
        if limit.duration == nil && limit.byteBudget == nil {
            return usage("A test needs an end: a duration (-t) or a byte budget (-n).")
        }
        if warmUp < .zero { return usage("The warm-up (--omit) cannot be negative.") }
        if interval < Self.shortestInterval {
            return usage("An interval (-i) of \(interval) is shorter than the limit of \(Self.shortestInterval).")
        }
        return nil
    }

    /// Why a server that is not qrate can't run this test, or nil: the wire carries only xfr's fields then.
    func foreignServerFailure(_ server: PeerProtocol) -> TestFailure? {
        func refuse(_ message: String) -> TestFailure { TestFailure(.usage, message) }
        if limit.byteBudget != nil, !server.hasByteBudget {
            return refuse("The server (\(server.software)) ends no test after a number of bytes (-n).")
        }
        guard !server.speaksQrate else { return nil }
        if streams > Self.foreignStreams {
            return refuse(
                "The server (\(server.software)) opens no more than \(Self.foreignStreams) QUIC streams in one "
                    + "direction; -P asks for \(streams).")
        }
        guard direction.sends(from: .client) else { return nil }
        if warmUp > .zero {
            return refuse("--omit in an upload needs a qrate server: it is the receiver who leaves the warm-up out.")
        }
        if interval != .seconds(1) {
            return refuse("-i in an upload needs a qrate server: \(server.software) reports once a second.")
        }
        return nil
    }

    /// xfr's streams one way: quinn's default limit of unidirectional streams.
    private static let foreignStreams = 100

    /// With a duration that whole seconds can express, warm-up included; never shorter.
    var inWholeSeconds: TestParameters {
        guard let duration = limit.duration else { return self }
        let (seconds, attoseconds) = (duration + warmUp).components
        guard attoseconds > 0 else { return self }
        var rounded = self
        let window = Duration.seconds(seconds + 1) - warmUp
        rounded.limit = limit.byteBudget.map { .whicheverFirst(window, $0) } ?? .duration(window)
        return rounded
    }
}

package import QrateMeasurement
import QrateQUICCore
package import QrateSockets

/// What an endpoint's thread has done since it began, at one moment.
package struct EndpointWork: Sendable {
    /// The clock before and behind the reading of `times`.
    package var before: MonotonicTime
    package var after: MonotonicTime
    package var times: ThreadTimes
    /// The time in which it looked for datagrams again and again, and none came.
    package var lookedOut: Duration
    /// Sent and received, of all its connections, with those that were none's.
    package var datagrams: UInt64
}

extension EndpointLoop {
    /// On its thread. nil where the system doesn't tell.
    package var work: EndpointWork? {
        let before = MonotonicClock.now()
        guard let times = ThreadClock.own else { return nil }
        return EndpointWork(
            before: before, after: MonotonicClock.now(), times: times, lookedOut: lookedOut, datagrams: datagrams)
    }

    /// Whether anybody may come to it: a server's thread has connections of many tests, a client's of one.
    package var isOpen: Bool { acceptor != nil }

    /// Whether what isn't QUIC comes to it: of a server's threads, to the first.
    package var takesOthers: Bool { acceptor?.gate.ids.index == 0 }

    /// Of one connection, sent and received since it began; 0 when it is gone.
    package func datagrams(of number: ConnectionNumber) -> UInt64 { connection(number)?.datagramsMoved ?? 0 }
}

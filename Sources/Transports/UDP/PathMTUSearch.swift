import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// Finds the largest datagrams that a path carries whole, each way, by sending probes of different sizes.
///
/// First the sizes that links really have, then halving to the byte between the largest that came through and the
/// smallest that didn't. The flow's receiving thread notes the answers.
struct PathMTUSearch {
    let flow: UDPFlow
    let isIPv6: Bool
    let control: SendControl
    private var sequence: UInt32 = 0
    private var forward = Bounds()
    private var reverse = Bounds()

    /// Packet sizes with their IP header, in bytes: the least that IPv4 and IPv6 promise, PPPoE, Ethernet, FDDI, and two
    /// sizes of jumbo frames.
    private static let rungs = [576, 1280, 1492, 1500, 4352, 9000, 9216]
    private static let tries = 3
    private static let patience = Duration.milliseconds(250)
    /// How often the answers are looked at.
    private static let glance = Duration.milliseconds(2)

    /// UDP payload sizes in bytes.
    private struct Bounds {
        var passed: Int?
        var failed: Int?

        var middle: Int? {
            guard let passed, let failed, failed - passed > 1 else { return nil }
            return passed + (failed - passed) / 2
        }

        mutating func note(_ size: Int, hasPassed: Bool) {
            if hasPassed { passed = max(passed ?? size, size) } else { failed = min(failed ?? size, size) }
        }
    }

    init(flow: UDPFlow, isIPv6: Bool, control: SendControl) {
        self.flow = flow
        self.isIPv6 = isIPv6
        self.control = control
    }

    /// IP's and UDP's headers.
    private var headers: Int { isIPv6 ? 48 : 28 }

    /// Blocks until both results are known, or sending is ended: then they are what is known by then.
    mutating func run() -> PathMTUReport {
        for rung in Self.rungs where !isIPv6 || rung >= 1280 {
            guard (forward.failed ?? .max) > rung - headers, !isOver else { break }
            probe(rung - headers)
        }
        while let size = forward.middle, !isOver { probe(size) }
        // What doesn't get there doesn't come back either.
        if let limit = forward.passed { reverse.failed = min(reverse.failed ?? limit + 1, limit + 1) }
        while let size = reverse.middle, !isOver { probe(size) }
        return PathMTUReport(upload: result(forward), download: result(reverse))
    }

    private var isOver: Bool { control.endSending.isRaised || MonotonicClock.now() >= control.deadline }

    private func result(_ bounds: Bounds) -> PathMTUReport.Result {
        guard let size = bounds.passed else { return PathMTUReport.Result() }
        return PathMTUReport.Result(
            maxUDPPayload: ByteCount(UInt64(size)), pathMTU: ByteCount(UInt64(size + headers)))
    }

    private mutating func probe(_ size: Int) {
        var best = UDPFlow.ProbeAnswer()
        for _ in 0..<Self.tries where !isOver && !best.cameBack {
            sequence += 1
            flow.expectAnswer(to: sequence)
            let datagram = PathProbe(.probe, sequence: sequence, size: UInt16(clamping: size)).encoded
            // This host's own link is the limit: asking again changes nothing.
            if flow.send(datagram) == .refused(EMSGSIZE) { break }
            let answer = waitForAnswer()
            best.arrived = best.arrived || answer.arrived
            best.cameBack = answer.cameBack
        }
        // Ended in the middle, it says nothing about this size.
        guard !isOver || best.arrived else { return }
        forward.note(size, hasPassed: best.arrived)
        if best.arrived { reverse.note(size, hasPassed: best.cameBack) }
    }

    private func waitForAnswer() -> UDPFlow.ProbeAnswer {
        let end = MonotonicClock.now() + Self.patience
        while true {
            let answer = flow.answer(to: sequence)
            if answer.cameBack || isOver || MonotonicClock.now() >= end { return answer }
            _ = StreamPoll.wait(for: [], on: nil, control.endSending, nanoseconds: Self.glance.nanoseconds)
        }
    }
}

package import QrateMeasurement

/// What a report's reader should know, with codes that programs may rely on.
extension TestWarning {
    package static let loopback = TestWarning(
        code: "loopback",
        message: "Both ends are on this machine: the figures are about its CPU and memory, not about a network.")

    package static func debugBuild(_ ends: [Role]) -> TestWarning {
        let names = ends.map { "the \($0.rawValue)" }.joined(separator: " and ")
        return TestWarning(
            code: "debug_build",
            message: "A debug build of qrate runs at \(names): the figures are about that, not about a network.")
    }

    package static let silentServer = TestWarning(
        code: "silent_server",
        message: "The server did not answer on the control connection: what it used itself is not known.")

    package static func incompleteDrain(_ direction: Direction) -> TestWarning {
        TestWarning(
            code: "incomplete_drain",
            message: "The \(direction.rawValue)'s streams had not ended when the receiver stopped waiting for them; "
                + "payload may be missing from its counts.")
    }

    package static func countMismatch(_ direction: Direction, sent: ByteCount, received: ByteCount) -> TestWarning {
        TestWarning(
            code: "count_mismatch",
            message: "The ends disagree about a complete \(direction.rawValue): \(sent.bytes) bytes sent, "
                + "\(received.bytes) received.")
    }

    package static let foreignWindow = TestWarning(
        code: "foreign_window",
        message: "The server isn't qrate: its figure covers a window of its own definition, without separating what "
            + "arrived after the end.")

    package static func durationRounded(to duration: Duration) -> TestWarning {
        TestWarning(
            code: "duration_rounded",
            message: "The server isn't qrate and takes whole seconds only: the test was made "
                + "\(fixedPoint(duration.seconds, decimals: 3)) s long.")
    }

    package static let rowsDropped = TestWarning(
        code: "rows_dropped",
        message: "More interval rows came than a report keeps (\(Tunables.mostRows)); the later ones are left out.")

    package static func receiveBufferDrops(_ direction: Direction, _ drops: UInt64) -> TestWarning {
        TestWarning(
            code: "receive_buffer_drops",
            message: "The \(direction.rawValue)'s receiver dropped datagrams itself (\(drops) as its kernel counts) "
                + "because its socket buffer was full: that part of the loss isn't the network's.")
    }

    package static func skipsReceiveCopy(_ direction: Direction) -> TestWarning {
        TestWarning(
            code: "skips_receive_copy",
            message:
                "The \(direction.rawValue)'s receiver did not copy what it received (--skip-rx-copy): no application "
                + "gets its data for so little.")
    }

    package static func smallSocketBuffer(
        _ direction: Direction, asked: ByteCount, granted: ByteCount
    ) -> TestWarning {
        TestWarning(
            code: "small_socket_buffer",
            message: "The \(direction.rawValue)'s receiver got a socket buffer of \(granted.bytes) bytes, not the "
                + "\(asked.bytes) that -w asks for: its kernel's limit (net.core.rmem_max) is lower.")
    }

    /// - Parameter share: How much of its time it was at work.
    package static func cpuBound(_ end: Role, _ thread: ThreadUsage, share: Double) -> TestWarning {
        let others = thread.isShared ? ", for other tests, too" : ""
        return TestWarning(
            code: "cpu_bound",
            message: "The \(end.rawValue)'s thread \"\(thread.name)\" was at work "
                + "\(fixedPoint(share * 100, decimals: 0)) % of the time\(others): the figures may be its processor's, "
                + "not the network's.")
    }

    /// xfr 0.9.25 takes no loss back when the datagram comes late.
    package static let foreignLoss = TestWarning(
        code: "foreign_loss",
        message:
            "The server isn't qrate: to it, a datagram that comes late is lost and out of order, and a duplicate is "
            + "out of order.")
}

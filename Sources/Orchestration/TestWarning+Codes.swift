package import QrateMeasurement

/// What a report's reader should know, with codes that programs may rely on.
extension TestWarning {
    package static let loopback = TestWarning(
        code: "loopback",
        message: "Both ends are on this machine: the figures are about its CPU and memory, not about a network.")

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
}

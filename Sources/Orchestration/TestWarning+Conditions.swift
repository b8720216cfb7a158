package import QrateMeasurement

/// Conditions of a run that its figures can't show by themselves.
extension TestWarning {
    /// - Parameter end: Whose wall clock.
    package static func clockStep(_ end: Role, _ step: Duration) -> TestWarning {
        let seconds = fixedPoint(abs(step.seconds), decimals: 3)
        let hint = end == .client ? "started_at may be off; " : ""
        return TestWarning(
            code: "clock_step",
            message:
                "The \(end.rawValue)'s wall clock was set \(step < .zero ? "back" : "forward") by \(seconds) s while the "
                + "test ran, or that host slept: \(hint)rates and times don't depend on that clock.")
    }

    package static func shortTest(_ direction: Direction, rising: Duration, of length: Duration) -> TestWarning {
        TestWarning(
            code: "short_test",
            message: "The \(direction.rawValue) took \(fixedPoint(rising.seconds, decimals: 1)) s of its "
                + "\(fixedPoint(length.seconds, decimals: 1)) s to come to 90 % of its steady rate, so its mean is lower "
                + "than that. A longer test gives the rise less weight; --omit leaves it out.")
    }

    package static func bimodal(_ direction: Direction, _ rates: TwoRates) -> TestWarning {
        let share = fixedPoint(rates.lowShare * 100, decimals: 0)
        return TestWarning(
            code: "bimodal",
            message: "The \(direction.rawValue)'s rate was at one of two levels: about \(rates.low) for \(share) % of "
                + "the time and \(rates.high) for the rest. The mean describes neither.")
    }

    /// - Parameter share: Of the sender's time.
    package static func windowLimited(
        _ direction: Direction, share: Double, _ setting: LimitVerdict.Setting
    ) -> TestWarning {
        let advice =
            setting.end.map { "A largest value of \(setting.value) in `sysctl \(setting.name)` at the \($0)" }
            ?? "\(setting.name) \(setting.value)"
        return TestWarning(
            code: "window_limited",
            message: "The \(direction.rawValue)'s receiver had the sender wait for its window "
                + "\(fixedPoint(share * 100, decimals: 0)) % of the time: the rate is what that window allows, not what the "
                + "path carries. \(advice) would help.")
    }

    package static func offloadFallback(
        _ direction: Direction, _ end: Role, _ fallback: OffloadFallback
    ) -> TestWarning {
        let (what, consequence) =
            switch fallback {
            case .segmentationUnavailable: ("has no segmentation offload (UDP_SEGMENT)", "each datagram it sent")
            case .segmentationGivenUp:
                (
                    "gave segmentation offload (UDP_SEGMENT) up, because the device on its way refused it",
                    "each datagram it sent"
                )
            case .receiveUnavailable: ("has no receive offload (UDP_GRO)", "each datagram it got")
            }
        return TestWarning(
            code: "offload_fallback",
            message:
                "The \(direction.rawValue)'s \(end.rawValue) \(what): \(consequence) cost a system call of its own.")
    }

    /// - Parameters:
    ///   - settings: The sysctls that cut them, and what they hold.
    ///   - asked: What was asked for, in a program's bytes.
    package static func smallSocketBuffers(
        _ end: Role, _ settings: [(name: String, granted: ByteCount)], asked: ByteCount
    ) -> TestWarning {
        let granted = settings.map { "\($0.granted.bytes) (\($0.name))" }.joined(separator: " and ")
        let assignments = settings.map { "\($0.name)=\(asked.bytes)" }.joined(separator: " ")
        return TestWarning(
            code: "small_socket_buffer",
            message:
                "The \(end.rawValue) asked for socket buffers of \(asked.bytes) bytes and got \(granted): bursts may "
                + "be lost or slowed down there. `sysctl \(assignments)` on that host allows more.")
    }
}

import QrateMeasurement

/// The losses of one direction that weren't the network's doing, in sentences with what helps. None, no sentence.
struct LossText {
    private let losses: LossReport?
    /// Whether the receiver counts losses by number.
    private let isNumbered: Bool
    private let sender: Role
    private let receiver: (role: Role, settings: EffectiveSettings)
    private let parameters: TestParameters

    init(_ report: TestReport, _ direction: Direction) {
        losses = report.losses(direction)
        isNumbered = report.summary(direction)?.datagrams != nil
        parameters = report.parameters
        (sender, receiver) =
            direction == .upload
            ? (.client, (.server, report.server?.settings ?? EffectiveSettings()))
            : (.server, (.client, report.client.settings))
    }

    var lines: [String] { [receiveBuffer, refused].compactMap(\.self) }

    private var receiveBuffer: String? {
        guard let drops = losses?.receiveBuffer?.count, drops > 0 else { return nil }
        let count = drops == 1 ? "once" : "\(Figure.count(drops)) times"
        let rest = losses?.wire.map { " (the network lost \(Figure.count($0)))" } ?? ""
        let fact =
            "not the network's doing\(isNumbered ? ", in the lost" : ""): the \(receiver.role)'s socket buffer was full "
            + count + rest
        // The kernel accounts twice what a program may use.
        if let buffer = receiver.settings.receiveBuffer, buffer.bytes >= 2 * Self.ampleBuffer {
            return fact + "; that host can't keep up"
        }
        return fact + "; `sysctl net.core.rmem_max=\(Self.ampleBuffer)` there gives it more room"
    }

    private static let ampleBuffer: UInt64 = 8 << 20

    /// The sender counts from its start.
    private var refused: String? {
        guard let drops = losses?.sender, drops > 0 else { return nil }
        let warmUp = parameters.warmUp > .zero ? " (warm-up included)" : ""
        return "datagrams that the \(sender)'s own kernel did not take: \(Figure.count(drops))\(warmUp)"
    }
}

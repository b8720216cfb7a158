/// Where the datagrams of one direction were lost, as far as its two ends can tell. nil is "not known", as on TCP.
public struct LossReport: Sendable, Hashable {
    /// On the way between the two hosts. Known only where the payload is numbered and all the other losses are counted in
    /// datagrams.
    public var wire: UInt64?
    /// At the receiver, whose socket had no room.
    public var receiveBuffer: ReceiveBuffer?
    /// At the sender, whose kernel refused them.
    public var sender: UInt64?

    public init() {}

    public enum ReceiveBuffer: Sendable, Hashable {
        case exactly(UInt64)
        /// With receive offload the kernel drops runs, and counts each as one.
        case atLeast(UInt64)

        public var count: UInt64 {
            switch self {
            case .exactly(let count), .atLeast(let count): count
            }
        }
    }
}

extension TestReport {
    /// One direction's losses told apart; nil where nothing is known of them.
    public func losses(_ direction: Direction) -> LossReport? {
        guard let summary = summary(direction) else { return nil }
        var losses = LossReport()
        var sendersAreNumbered = false
        switch path(direction)?.metrics {
        case .udp(let metrics): losses.sender = metrics.sendDrops
        case .quic(let metrics):
            losses.sender = metrics.sendDrops
            sendersAreNumbered = true
        case .tcp, nil: break
        }
        let receiver = direction == .upload ? server?.settings : client.settings
        losses.receiveBuffer = summary.kernelDrops.map { drops in
            drops == 0 || receiver?.receiveOffload == false ? .exactly(drops) : .atLeast(drops)
        }
        // What UDP's kernel refuses has no number yet. A packet of QUIC's has, and may hold payload or none.
        let isSenderClean = !sendersAreNumbered || losses.sender == 0
        if let lost = summary.datagrams?.lost, isSenderClean, case .exactly(let dropped) = losses.receiveBuffer {
            // Copies and markers that were dropped too are no losses: then the rest isn't known.
            losses.wire = UInt64(exactly: lost).flatMap { $0 >= dropped ? $0 - dropped : nil }
        }
        return losses == LossReport() ? nil : losses
    }
}

extension DirectionSummary {
    /// What the receiver's kernel dropped for want of room, whoever tells.
    public var kernelDrops: UInt64? { datagrams?.receiveBufferDrops ?? receiveBufferDrops }
}

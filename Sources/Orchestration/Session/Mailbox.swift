import QrateTransportAPI

/// What a loop's helpers tell it, in the order of their telling.
struct Mailbox: Sendable {
    enum Signal: Sendable {
        /// A piece of the control channel.
        case bytes([UInt8])
        case event(SessionEvent)
        case ring(TimerSet.Ring)
        case planeReady(any DataPlane, DataOffer, PlaneSample)
        case windowClosed(ClosedWindow)
        case probesReady(any LatencyProbes)
    }

    let signals: AsyncStream<Signal>
    private let continuation: AsyncStream<Signal>.Continuation

    init() { (signals, continuation) = AsyncStream.makeStream() }

    func post(_ signal: Signal) { continuation.yield(signal) }
    func post(_ event: SessionEvent) { continuation.yield(.event(event)) }
}

import QrateDatagramProtocol
import QrateMeasurement
import QrateQUICCore
import QrateStatistics

/// What a plane receives in datagrams, one flow per connection.
///
/// Belongs to the endpoint's thread. The connections reach their flows through plain pointers, so that a packet costs no
/// retain, no release and no exclusivity check; they are freed by the plane, which keeps the connections.
final class DatagramIntake {
    private let state: UnsafeMutablePointer<State>
    private let flows: UnsafeMutablePointer<Flow>
    private let count: Int

    private struct State {
        var meters: DatagramMeters
        /// Payload of new datagrams, per flow.
        let received: UnsafeMutablePointer<UInt64>
        var total: UInt64 = 0
        /// Where payload is copied, as an application would.
        let sink: UnsafeMutableRawPointer
    }

    /// What a connection's callback is given.
    private struct Flow {
        let state: UnsafeMutablePointer<State>
        let index: Int
    }

    init(flows count: Int) {
        self.count = count
        let received = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        received.initialize(repeating: 0, count: count)
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(
                meters: DatagramMeters(flows: count), received: received,
                sink: .allocate(byteCount: 1 << 16, alignment: 64)))
        flows = .allocate(capacity: count)
        for index in 0..<count { (flows + index).initialize(to: Flow(state: state, index: index)) }
    }

    deinit {
        state.pointee.received.deallocate()
        state.pointee.sink.deallocate()
        state.deinitialize(count: 1)
        state.deallocate()
        flows.deinitialize(count: count)
        flows.deallocate()
    }

    /// The connection in this place brings the flow of that number.
    func receive(_ place: Int, on connection: QUICConnection) {
        guard (0..<count).contains(place) else { return }
        connection.allowDatagrams(UnsafeMutableRawPointer(flows + place)) { context, data, count, now in
            DatagramIntake.record(
                context.assumingMemoryBound(to: Flow.self), UnsafeRawBufferPointer(start: data, count: count), now)
        }
    }

    private static func record(_ flow: UnsafeMutablePointer<Flow>, _ datagram: UnsafeRawBufferPointer, _ now: UInt64) {
        guard let header = DataHeader(datagram) else { return }
        let state = flow.pointee.state, index = flow.pointee.index
        let isNew = state.pointee.meters.record(
            flow: index, sequence: header.sequence, timestamp: header.timestamp, at: MonotonicTime(nanoseconds: now))
        guard isNew else { return }
        if let base = datagram.baseAddress {
            state.pointee.sink.copyMemory(from: base, byteCount: min(datagram.count, 1 << 16))
        }
        state.pointee.received[index] &+= UInt64(datagram.count)
        state.pointee.total &+= UInt64(datagram.count)
    }

    // MARK: Counts

    var counters: UnsafeBufferPointer<UInt64> { UnsafeBufferPointer(start: state.pointee.received, count: count) }
    var total: UInt64 { state.pointee.total }

    func announce(_ place: Int, sent: UInt64) { state.pointee.meters.announce(flow: place, sent: sent) }

    /// Whether every flow's sender has said how many it sent, and all of them came.
    var isWhole: Bool { (0..<count).allSatisfy { state.pointee.meters.isWhole(flow: $0) } }

    func endRow(isWarmUp: Bool) -> DatagramReport { state.pointee.meters.endRow(isWarmUp: isWarmUp) }
    func totals() -> DatagramReport { state.pointee.meters.totals() }
}

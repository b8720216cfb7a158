import QrateDatagramProtocol
import QrateMeasurement
import QrateQUICCore
import QrateStatistics

/// What one connection of a plane receives in datagrams, on its way to the plane's window: a batch is noted here and
/// counted there at once, so that a packet costs no lock.
///
/// Belongs to the endpoint's thread. The connection reaches it through a plain pointer, so that a packet costs no retain,
/// no release and no exclusivity check; it is freed by the lane, which keeps the connection.
final class DatagramIntake {
    private let state: UnsafeMutablePointer<State>

    private struct State {
        let notes: UnsafeMutablePointer<Note>
        var count = 0
        let flow: Int
        let window: Unmanaged<ReceiverWindow>
        /// Where payload is copied, as an application would.
        let sink: UnsafeMutableRawPointer
    }

    /// One datagram.
    private struct Note {
        let sequence: UInt64
        let timestamp: UInt64
        let arrival: MonotonicTime
        let byteCount: Int
    }

    /// Two turns' worth of datagrams. A peer may put many small ones into a packet: then they are counted in several goes.
    private static let capacity = 256
    private static let sinkBytes = 1 << 16

    /// - Parameter flow: Whose, 0 for stream 1.
    init(flow: Int, of window: ReceiverWindow, on connection: QUICConnection) {
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(
                notes: .allocate(capacity: Self.capacity), flow: flow, window: .passRetained(window),  // until `deinit`
                sink: .allocate(byteCount: Self.sinkBytes, alignment: 64)))
        connection.allowDatagrams(UnsafeMutableRawPointer(state)) { context, data, count, now in
            DatagramIntake.record(
                context.assumingMemoryBound(to: State.self), UnsafeRawBufferPointer(start: data, count: count), now)
        }
    }

    deinit {
        state.pointee.window.release()
        state.pointee.notes.deallocate()
        state.pointee.sink.deallocate()
        state.deallocate()
    }

    private static func record(_ state: UnsafeMutablePointer<State>, _ datagram: UnsafeRawBufferPointer, _ now: UInt64)
    {
        guard let header = DataHeader(datagram) else { return }
        if state.pointee.count == capacity { flush(state) }
        if let base = datagram.baseAddress {
            state.pointee.sink.copyMemory(from: base, byteCount: min(datagram.count, sinkBytes))
        }
        (state.pointee.notes + state.pointee.count).initialize(
            to: Note(
                sequence: header.sequence, timestamp: header.timestamp, arrival: MonotonicTime(nanoseconds: now),
                byteCount: datagram.count))
        state.pointee.count += 1
    }

    private static func flush(_ state: UnsafeMutablePointer<State>) {
        guard state.pointee.count > 0 else { return }
        let notes = UnsafeBufferPointer(start: state.pointee.notes, count: state.pointee.count)
        let flow = state.pointee.flow
        state.pointee.count = 0
        guard let last = notes.last else { return }
        state.pointee.window.takeUnretainedValue().countDatagrams(stream: flow, at: last.arrival) { meters in
            var payload = 0
            for note in notes {
                let isNew = meters.record(
                    flow: flow, sequence: note.sequence, timestamp: note.timestamp, at: note.arrival)
                if isNew { payload += note.byteCount }
            }
            return payload
        }
    }

    var isEmpty: Bool { state.pointee.count == 0 }

    /// Counts what was noted.
    func flush() { Self.flush(state) }
}

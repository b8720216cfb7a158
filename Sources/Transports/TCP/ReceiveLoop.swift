import QrateMeasurement
import QrateSockets
import QrateTransportAPI

/// One receiving thread: takes payload out of one stream and counts it until the stream ends.
struct ReceiveLoop {
    let stream: DataStream
    let window: ReceiverWindow
    let stop: StopSignal
    let meter: ThreadMeter
    /// Lets the kernel throw the payload away (MSG_TRUNC).
    let skipsCopy: Bool

    enum Ending {
        /// - Parameter isEmpty: No payload came here.
        case finished(isEmpty: Bool)
        case failed(TransportError)
        /// The plane is being closed.
        case stopped
    }

    /// Payload of one read. An application's; more gains nothing.
    static let unit = 256 << 10
    /// A thread that waits looks at the window so often at least: a boundary may have become due, or moved, meanwhile.
    private static let patience = Duration.milliseconds(200)

    /// Blocks until the stream has ended.
    func run() -> Ending {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.unit, alignment: 4096)
        defer { buffer.deallocate() }
        var isEmpty = true
        while true {
            if stop.isRaised { return .stopped }
            let result: ReadResult
            do throws(TransportError) {
                result =
                    skipsCopy
                    ? try stream.bytes.discard(most: Self.unit, buffer) : try stream.bytes.read(into: buffer)
            } catch {
                return stop.isRaised ? .stopped : .failed(error)
            }
            switch result {
            case .bytes(let count):
                if isEmpty { meter.begin() }
                isEmpty = false
                window.count(count, stream: stream.index, at: MonotonicClock.now())
            case .ended: return stop.isRaised ? .stopped : .finished(isEmpty: isEmpty)
            case .wouldBlock: Self.wait(for: .readable, on: stream.bytes.socket.descriptor, window, stop)
            }
        }
    }

    /// Waits and ends the rows that are due.
    static func wait(
        for interest: SocketPoll.Ready, on descriptor: Int32?, _ window: ReceiverWindow, _ stop: StopSignal
    ) {
        let now = MonotonicClock.now()
        let next = window.tick(at: now)
        let limit = min(next == .never ? patience : next - now, patience)
        let ready = StreamPoll.wait(for: interest, on: descriptor, stop, nanoseconds: limit.nanoseconds)
        if ready.isEmpty { window.tick(at: MonotonicClock.now()) }
    }
}

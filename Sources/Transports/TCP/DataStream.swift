import QrateMeasurement
import QrateSockets
import QrateStatistics
import Synchronization

/// One data connection of a plane, with what its sender has sent.
final class DataStream: Sendable {
    let bytes: any ByteStream
    /// 0 for stream 1.
    let index: Int
    /// What its sender's time goes to, as far as the sending thread can tell.
    let limits = LimitRecorder()
    private let taken = Atomic<UInt64>(0)
    private let ends = Mutex(Ends())

    private struct Ends {
        /// What was known last, once the connection was reset: the kernel has forgotten it by then.
        var last: Snapshot?
        var kernelLimits = KernelLimits()
        /// Directions that ended in order.
        var hasSent = false
        var hasReceived = false
    }

    /// The connection at one moment.
    struct Snapshot: Sendable {
        var sent: UInt64
        var acknowledged: UInt64?
        var info: TCPInfo?
        /// nil before it sends, and where the kernel doesn't tell.
        var limits: LimitShares?
    }

    init(_ bytes: any ByteStream, index: Int) {
        self.bytes = bytes
        self.index = index
    }

    /// The stream took payload. By its sending thread.
    func took(_ count: Int) { taken.wrappingAdd(UInt64(count), ordering: .relaxed) }

    func snapshot() -> Snapshot { ends.withLock { $0.last ?? current(&$0) } }

    private func current(_ ends: inout Ends) -> Snapshot {
        let sent = taken.load(ordering: .relaxed)
        let waiting = bytes.unacknowledged.map { UInt64(clamping: $0) }
        let info = bytes.socket.info
        let told = limits.shares(of: [.cpu, .congestionWindow, .targetBitrate, .idle], at: MonotonicClock.now())
        return Snapshot(
            sent: sent, acknowledged: waiting.map { sent > $0 ? sent - $0 : 0 }, info: info,
            limits: told.flatMap { ends.kernelLimits.split($0, info?.chronographs) })
    }

    /// Cuts the connection off, or finds that it was: what is not on the wire by then never will be, and doesn't count as
    /// sent. By the sending thread, or when there is none. Idempotent.
    func reset() {
        ends.withLock { ends in
            guard ends.last == nil else { return }
            var last = current(&ends)
            if !ends.hasSent, let unsent = bytes.unsent { last.sent -= min(last.sent, UInt64(clamping: unsent)) }
            ends.last = last
            bytes.reset()
        }
    }

    var isReset: Bool { ends.withLock { $0.last != nil } }

    /// This end's half was ended in order, with all that was taken before it.
    func endedSending() { ends.withLock { $0.hasSent = true } }
    func endedReceiving() { ends.withLock { $0.hasReceived = true } }

    /// Whether each direction that the plan uses has ended in order: nothing is cut off by a close.
    func isOver(sends: Bool, receives: Bool) -> Bool {
        ends.withLock { (!sends || $0.hasSent) && (!receives || $0.hasReceived) }
    }
}

extension TCPInfo {
    /// nil unless the kernel tells all three.
    fileprivate var chronographs: KernelLimits.Chronographs? {
        guard let busyTime, let receiveWindowLimitedTime, let sendBufferLimitedTime else { return nil }
        return KernelLimits.Chronographs(
            busy: busyTime, receiveWindow: receiveWindowLimitedTime, sendBuffer: sendBufferLimitedTime)
    }
}

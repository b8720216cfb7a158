package import QrateMeasurement

/// Finds out what a TCP sender's kernel waited for while the sender left it to the kernel.
///
/// The sender's own account (``LimitClock``) has its waiting for room in the send buffer under `congestionWindow`, and
/// the time after its last write under `idle`. The kernel's chronographs (tcp(7), TCP_INFO) say how much of that the
/// peer's window and the send buffer held it up, and how long it still had something to send at the end.
///
/// They tell how long, not when. So it is assumed that the kernel was held up while the sender waited, rather than while it
/// wrote; the shorter the time between two looks, the less that matters. Their resolution is the kernel's tick.
package struct KernelLimits: Sendable {
    private var counted: [LimitCause: Duration] = [:]
    private var lastTold = LimitShares([:])
    private var last = Chronographs(busy: .zero, receiveWindow: .zero, sendBuffer: .zero)
    private var hasLooked = false

    /// Time since the connection began: with something to send or unacknowledged, and the parts of it that the peer's window
    /// and the send buffer held it up.
    package struct Chronographs: Sendable, Hashable {
        package var busy: Duration
        package var receiveWindow: Duration
        package var sendBuffer: Duration

        package init(busy: Duration, receiveWindow: Duration, sendBuffer: Duration) {
            self.busy = busy
            self.receiveWindow = receiveWindow
            self.sendBuffer = sendBuffer
        }
    }

    package init() {}

    /// - Parameters:
    ///   - told: The sender's account until now.
    ///   - now: nil when the kernel doesn't tell, or not any more.
    /// - Returns: The times until the last look at which the kernel told; nil when there was none.
    package mutating func split(_ told: LimitShares, _ now: Chronographs?) -> LimitShares? {
        if let now { look(told.since(lastTold), now) }
        if now != nil { lastTold = told }
        return hasLooked ? LimitShares(counted) : nil
    }

    private mutating func look(_ step: LimitShares, _ now: Chronographs) {
        let own = step[.cpu, default: .zero] + step[.targetBitrate, default: .zero]
        let waiting = step[.congestionWindow, default: .zero]
        let idle = step[.idle, default: .zero]
        let draining = min(max(now.busy - last.busy - own - waiting, .zero), idle)
        var left = waiting + draining
        let byWindow = min(left, max(now.receiveWindow - last.receiveWindow, .zero))
        left -= byWindow
        let byBuffer = min(left, max(now.sendBuffer - last.sendBuffer, .zero))
        left -= byBuffer
        add(left, .congestionWindow)
        add(byWindow, .flowControl)
        add(byBuffer, .socketBuffer)
        add(step[.cpu, default: .zero], .cpu)
        add(step[.targetBitrate, default: .zero], .targetBitrate)
        add(idle - draining, .idle)
        last = now
        hasLooked = true
    }

    private mutating func add(_ time: Duration, _ cause: LimitCause) { counted[cause, default: .zero] += time }
}

extension LimitShares {
    fileprivate subscript(cause: LimitCause, default otherwise: Duration) -> Duration { self[cause] ?? otherwise }
}

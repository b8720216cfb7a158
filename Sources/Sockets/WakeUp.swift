import CQrateSocketShims
import Glibc

/// Wakes a thread that waits in ``SocketPoll``, from any other thread.
package final class WakeUp: Sendable {
    let descriptor: Int32

    package init() throws(SocketError) { descriptor = try SocketError.check(qrate_eventfd(), "opening an eventfd") }

    deinit { Glibc.close(descriptor) }

    package func signal() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, MemoryLayout<UInt64>.size)  // fails only when it is already signalled 2^64-2 times
    }

    /// Waits for a signal that nobody has taken yet. Blocks: for threads of our own.
    ///
    /// - Parameter milliseconds: How long at most; nil for ever.
    package func wait(milliseconds: Int32?) {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&interest, 1, milliseconds ?? -1) > 0 { clear() }
    }

    func clear() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
    }
}

/// One wait for one socket, with a time limit and a way to be woken.
package enum SocketPoll {
    package struct Ready: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }

        package static let readable = Ready(rawValue: 1)
        package static let writable = Ready(rawValue: 2)
        package static let woken = Ready(rawValue: 4)
    }

    /// - Parameter nanoseconds: How long to wait at most; nil for ever. 0 only looks.
    package static func wait(
        for interest: Ready, on socket: DatagramSocket, _ wakeUp: WakeUp, nanoseconds: UInt64?
    ) -> Ready {
        var events: Int16 = 0
        if interest.contains(.readable) { events |= Int16(POLLIN) }
        if interest.contains(.writable) { events |= Int16(POLLOUT) }
        var wakeEvents = Int16(POLLIN)
        _ = qrate_poll(
            socket.descriptor, &events, wakeUp.descriptor, &wakeEvents, nanoseconds.map { Int64(clamping: $0) } ?? -1)
        var ready: Ready = []
        // An error on the socket is learned by reading it.
        if events & Int16(POLLIN | POLLERR) != 0 { ready.insert(.readable) }
        if events & Int16(POLLOUT) != 0 { ready.insert(.writable) }
        if wakeEvents != 0 {
            wakeUp.clear()
            ready.insert(.woken)
        }
        return ready
    }

    /// Lets the calling thread's waits end when they are due instead of up to 50 µs later.
    package static func sharpenTimers() { qrate_sharpen_timers() }
}

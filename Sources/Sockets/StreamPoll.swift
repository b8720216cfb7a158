import CQrateSocketShims
import Glibc

/// Waiting for stream sockets.
package enum StreamPoll {
    /// Waits until the descriptor is ready, a signal is raised or the time is over.
    ///
    /// - Parameters:
    ///   - descriptor: nil waits for the signals and the time only.
    ///   - nanoseconds: How long to wait at most; nil for ever.
    /// - Returns: What the descriptor is ready for; an error or a hang-up counts as both. ``SocketPoll/Ready/woken``
    ///   when a signal is raised.
    package static func wait(
        for interest: SocketPoll.Ready, on descriptor: Int32?, _ stop: StopSignal, _ other: StopSignal? = nil,
        nanoseconds: UInt64?
    ) -> SocketPoll.Ready {
        // poll(2) passes over negative descriptors.
        var entries = (
            pollfd(fd: descriptor ?? -1, events: events(interest), revents: 0),
            pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)
        )
        _ = qrate_poll_all(&entries, 3, nanoseconds.map { Int64(clamping: $0) } ?? -1)
        var result = ready(entries.0.revents)
        if entries.1.revents != 0 || entries.2.revents != 0 { result.insert(.woken) }
        return result
    }

    /// One of the descriptors that a loop waits for.
    package struct Entry: Sendable {
        package var descriptor: Int32
        package var interest: SocketPoll.Ready
        package internal(set) var ready: SocketPoll.Ready = []

        package init(_ descriptor: Int32, _ interest: SocketPoll.Ready) {
            self.descriptor = descriptor
            self.interest = interest
        }
    }

    /// Waits until one of the descriptors is ready, the wake-up comes, or the time is over. Fills in `ready`.
    package static func wait(for entries: inout [Entry], _ wakeUp: WakeUp, nanoseconds: UInt64?) {
        var raw = entries.map { pollfd(fd: $0.descriptor, events: events($0.interest), revents: 0) }
        raw.append(pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0))
        _ = qrate_poll_all(&raw, UInt32(raw.count), nanoseconds.map { Int64(clamping: $0) } ?? -1)
        if raw.last?.revents != 0 { wakeUp.clear() }
        for (index, entry) in zip(entries.indices, raw) { entries[index].ready = ready(entry.revents) }
    }

    private static func events(_ interest: SocketPoll.Ready) -> Int16 {
        var events: Int16 = 0
        if interest.contains(.readable) { events |= Int16(POLLIN) }
        if interest.contains(.writable) { events |= Int16(POLLOUT) }
        return events
    }

    private static func ready(_ events: Int16) -> SocketPoll.Ready {
        var result: SocketPoll.Ready = []
        if events & Int16(POLLIN) != 0 { result.insert(.readable) }
        if events & Int16(POLLOUT) != 0 { result.insert(.writable) }
        // An error is learned by reading or writing, whichever the waiting thread does.
        if events & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { result.formUnion([.readable, .writable]) }
        return result
    }
}

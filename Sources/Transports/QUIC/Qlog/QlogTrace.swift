import QrateMeasurement
import QrateQUICCore
import Synchronization

/// One connection's events between the thread that it lives on and the thread that writes files.
final class QlogTrace: EventTrace {
    /// The file's name.
    let name: String
    private let header: String
    private let room: QlogRoom
    private let wakeUp: @Sendable () -> Void
    private let intake: Mutex<Intake>

    private struct Intake {
        var content = Content()
        var hasBegun = false
        var isOver = false
        /// The writer was told that it is worth its while.
        var isAnnounced = false
    }

    /// What waits to be written.
    struct Content {
        var bytes: [UInt8] = []
        /// Whole events in there, and those that found no room.
        var events: UInt64 = 0
        var dropped: UInt64 = 0
    }

    /// The writer is woken for so many bytes, once; for fewer it comes by itself.
    private static let worthwhile = 256 << 10

    /// - Parameters:
    ///   - room: What all traces of a directory share.
    ///   - wakeUp: Has the writer come soon.
    init(_ original: ConnectionID, _ role: Role, room: QlogRoom, wakeUp: @escaping @Sendable () -> Void) {
        name = "\(original)_\(role.rawValue).sqlog"
        header = QlogHeader.text(original, role)
        self.room = room
        self.wakeUp = wakeUp
        intake = Mutex(Intake())
    }

    // MARK: On the connection's thread

    func write(_ record: UnsafeRawBufferPointer) {
        let isNewsworthy = intake.withLock { intake in
            guard !intake.isOver else { return false }
            guard intake.hasBegun else {
                // The library's header has neither the time nor the program's name.
                intake.hasBegun = true
                room.take(header.utf8.count)
                intake.content.bytes.append(contentsOf: header.utf8)
                return false
            }
            guard room.hasPlace(for: record.count) else {
                intake.content.dropped += 1
                return false
            }
            room.take(record.count)
            intake.content.bytes.append(contentsOf: record)
            intake.content.events += 1
            guard intake.content.bytes.count >= Self.worthwhile, !intake.isAnnounced else { return false }
            intake.isAnnounced = true
            return true
        }
        if isNewsworthy { wakeUp() }
    }

    func end() {
        intake.withLock { $0.isOver = true }
        wakeUp()
    }

    // MARK: On the writer's thread

    /// Takes what waits, in exchange for an empty buffer.
    ///
    /// - Parameter isLast: Nothing more shall come, whatever the connection does.
    /// - Returns: Whether nothing comes any more.
    func exchange(_ content: inout Content, isLast: Bool) -> Bool {
        intake.withLock { intake in
            if isLast { intake.isOver = true }
            swap(&intake.content, &content)
            intake.isAnnounced = false
            return intake.isOver
        }
    }
}

/// How much may wait for a directory's writer, over all connections.
package final class QlogRoom: Sendable {
    private let taken = Atomic(0)
    private let limit: Int

    /// Half a second of a connection at 10 Gbit/s. A disk that stalls for longer costs events, not memory.
    package static let limit = 64 << 20

    init(_ limit: Int) { self.limit = limit }

    /// A hint: connections on several threads may find the last place together.
    func hasPlace(for count: Int) -> Bool { taken.load(ordering: .relaxed) + count <= limit }
    func take(_ count: Int) { taken.wrappingAdd(count, ordering: .relaxed) }
    func giveBack(_ count: Int) { taken.wrappingSubtract(count, ordering: .relaxed) }
}

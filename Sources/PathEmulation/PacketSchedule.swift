package import QrateMeasurement

/// Packets on their way, given out when they are due; those due at the same time in the order in which they came.
///
/// A binary heap. It allocates only while it grows past its largest size so far.
package struct PacketSchedule: Sendable {
    package struct Entry: Sendable {
        package var due: MonotonicTime
        /// Of the packet, in the order in which packets went into the link.
        package var number: UInt64
        package var isCopy: Bool
        /// Where the packet's bytes are kept, and how many there are.
        package var slot: Int
        package var bytes: Int
        /// Whether it is counted as data, too.
        package var isData: Bool

        package init(due: MonotonicTime, number: UInt64, isCopy: Bool, slot: Int, bytes: Int, isData: Bool) {
            self.due = due
            self.number = number
            self.isCopy = isCopy
            self.slot = slot
            self.bytes = bytes
            self.isData = isData
        }

        fileprivate func precedes(_ other: Entry) -> Bool {
            if due != other.due { return due < other.due }
            if number != other.number { return number < other.number }
            return !isCopy && other.isCopy
        }
    }

    private var heap: [Entry] = []

    package init(capacity: Int) { heap.reserveCapacity(capacity) }

    package var count: Int { heap.count }
    /// ``MonotonicTime/never`` when nothing is on its way.
    package var nextDue: MonotonicTime { heap.first?.due ?? .never }

    package mutating func insert(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].precedes(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// The first packet, if it is due.
    package mutating func takeDue(now: MonotonicTime) -> Entry? {
        guard let first = heap.first, first.due <= now, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { return first }
            if child + 1 < heap.count, heap[child + 1].precedes(heap[child]) { child += 1 }
            guard heap[child].precedes(heap[parent]) else { return first }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}

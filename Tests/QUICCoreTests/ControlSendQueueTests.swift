@testable import QrateQUICCore
import Testing

@Suite("ControlSendQueue") struct ControlSendQueueTests {
    /// The queue behind a reference, because the testing macros copy what they look at.
    private final class Subject {
        private var queue = ControlSendQueue()

        var hasUnsent: Bool { queue.hasUnsent }
        var endSent: Bool { queue.endSent }
        var sent: UInt64 { queue.sent }
        var unacknowledged: Int { queue.unacknowledged }
        var nextAddress: UnsafeMutablePointer<UInt8>? { queue.next.bytes.baseAddress }
        func append(_ bytes: [UInt8]) { queue.append(bytes) }
        func finish() { queue.finish() }
        func acknowledged(upTo offset: UInt64) { queue.acknowledged(upTo: offset) }

        /// Takes up to `count` bytes as the library would.
        func take(_ count: Int) -> (bytes: [UInt8], hasEnd: Bool) {
            let next = queue.next
            let bytes = Array(next.bytes.prefix(count))
            let hasEnd = next.isLast && bytes.count == next.bytes.count
            queue.took(bytes.count, withEnd: next.isLast)
            return (bytes, hasEnd)
        }
    }

    @Test("bytes come out in order, whatever is taken at a time", arguments: [1, 2, 3, 100])
    func order(portion: Int) {
        let queue = Subject()
        queue.append([1, 2, 3])
        queue.append([])
        queue.append([4])
        queue.append([5, 6])
        var result: [UInt8] = []
        while queue.hasUnsent { result += queue.take(portion).bytes }
        #expect(result == [1, 2, 3, 4, 5, 6])
        #expect(queue.sent == 6)
    }

    @Test("bytes stay where they are until they are acknowledged")
    func addresses() {
        let queue = Subject()
        queue.append([1, 2, 3])
        let address = queue.nextAddress
        _ = queue.take(3)
        for value in 0..<100 as Range<UInt8> { queue.append([value, value]) }
        #expect(address?[0] == 1 && address?[2] == 3)
        #expect(queue.unacknowledged == 203)
        queue.acknowledged(upTo: 2)
        #expect(queue.unacknowledged == 203, "a piece is kept until all of it has arrived")
        queue.acknowledged(upTo: 3)
        #expect(queue.unacknowledged == 200)
        queue.acknowledged(upTo: 203)
        #expect(queue.unacknowledged == 0)
        #expect(queue.hasUnsent, "acknowledged is not sent: that is the caller's count")
    }

    @Test("the end goes with the last byte")
    func endWithLastByte() {
        let queue = Subject()
        queue.append([1, 2])
        queue.append([3])
        queue.finish()
        #expect(!queue.take(2).hasEnd)
        #expect(!queue.endSent)
        #expect(queue.take(1) == (bytes: [3], hasEnd: true))
        #expect(queue.endSent && !queue.hasUnsent)
    }

    @Test("the end of a piece that was taken in part isn't sent")
    func endNotYet() {
        let queue = Subject()
        queue.append([1, 2, 3])
        queue.finish()
        #expect(queue.take(2) == (bytes: [1, 2], hasEnd: false))
        #expect(!queue.endSent && queue.hasUnsent)
        #expect(queue.take(5) == (bytes: [3], hasEnd: true))
    }

    @Test("an end that comes late goes alone")
    func lateEnd() {
        let queue = Subject()
        queue.append([1])
        _ = queue.take(1)
        #expect(!queue.hasUnsent)
        queue.finish()
        #expect(queue.hasUnsent)
        #expect(queue.take(1) == (bytes: [], hasEnd: true))
        #expect(!queue.hasUnsent)
    }

    @Test("nothing is taken in behind the end")
    func afterEnd() {
        let queue = Subject()
        queue.finish()
        queue.append([1])
        #expect(queue.unacknowledged == 0)
        #expect(queue.take(5) == (bytes: [], hasEnd: true))
    }
}

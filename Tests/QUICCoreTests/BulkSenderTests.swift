@testable import QrateQUICCore
import Testing

@Suite("BulkSender") struct BulkSenderTests {
    /// The sender behind a reference, because the testing macros copy what they look at.
    private final class Subject {
        private var sender: BulkSender

        init(_ ids: [Int64], byteBudget: UInt64? = nil, deadline: UInt64? = nil) {
            sender = BulkSender(streamIDs: ids, byteBudget: byteBudget, deadline: deadline)
        }

        var phase: BulkSender.Phase { sender.phase }
        var remaining: UInt64 { sender.remaining }
        var sent: [UInt64] { sender.sent }
        func nextStream() -> UnsafeMutablePointer<BulkSender.Stream>? { sender.nextStream() }
        func rotate() { sender.rotate() }
        func took(_ count: UInt64, from stream: UnsafeMutablePointer<BulkSender.Stream>) {
            sender.took(count, from: stream)
        }
        func ended(_ stream: UnsafeMutablePointer<BulkSender.Stream>) { sender.ended(stream) }
        func unblock() { sender.unblock() }
        func finish() { sender.finish() }
        func checkDeadline(_ now: UInt64) { sender.checkDeadline(now) }
        func abandon() { sender.abandon() }

        /// Streams as they take their turns, by ID, until `count` turns are over or none is left.
        func turns(_ count: Int) -> [Int64] {
            var result: [Int64] = []
            for _ in 0..<count {
                guard let stream = sender.nextStream() else { break }
                result.append(stream.pointee.id)
                sender.rotate()
            }
            return result
        }
    }

    @Test("streams take turns by batch, not by packet")
    func order() {
        let sender = Subject([2, 6, 10])
        #expect(sender.nextStream()?.pointee.id == 2)
        #expect(sender.nextStream()?.pointee.id == 2)
        #expect(sender.turns(7) == [2, 6, 10, 2, 6, 10, 2])
    }

    @Test("a blocked stream is passed over until credit comes")
    func blocked() throws {
        let sender = Subject([2, 6, 10])
        try #require(sender.nextStream()).pointee.isBlocked = true
        #expect(sender.turns(4) == [6, 10, 6, 10])
        while let stream = sender.nextStream() { stream.pointee.isBlocked = true }
        #expect(sender.phase == .sending)
        sender.unblock()
        #expect(Set(sender.turns(3)) == [2, 6, 10])
    }

    @Test("the budget is shared, counted per stream, and ends the sending when it is used up")
    func budget() throws {
        let sender = Subject([2, 6], byteBudget: 100)
        sender.took(60, from: try #require(sender.nextStream()))
        #expect(sender.remaining == 40)
        sender.rotate()
        sender.took(39, from: try #require(sender.nextStream()))
        #expect(sender.phase == .sending)
        sender.took(1, from: try #require(sender.nextStream()))
        #expect(sender.phase == .ending)
        #expect(sender.sent == [60, 40])
    }

    @Test("without a budget there is always more")
    func noBudget() throws {
        let sender = Subject([2])
        sender.took(1 << 60, from: try #require(sender.nextStream()))
        #expect(sender.remaining == .max)
        #expect(sender.phase == .sending)
    }

    @Test("each stream is ended once, blocked or not, and then it is over")
    func ending() throws {
        let sender = Subject([2, 6, 10], byteBudget: 0)
        #expect(sender.phase == .ending)
        try #require(sender.nextStream()).pointee.isBlocked = true
        var ended: [Int64] = []
        while let stream = sender.nextStream() {
            ended.append(stream.pointee.id)
            sender.ended(stream)
        }
        #expect(ended.sorted() == [2, 6, 10])
        #expect(sender.phase == .done)
    }

    @Test("the deadline ends the sending at its time and not before")
    func deadline() {
        let sender = Subject([2], deadline: 1_000)
        sender.checkDeadline(999)
        #expect(sender.phase == .sending)
        sender.checkDeadline(1_000)
        #expect(sender.phase == .ending)
    }

    @Test("a stream that its peer stopped leaves the rest to the others")
    func stopped() throws {
        let sender = Subject([2, 6], byteBudget: 10)
        sender.ended(try #require(sender.nextStream()))
        #expect(sender.turns(2) == [6, 6])
        #expect(sender.phase == .sending)
    }

    @Test("finishing doesn't bring back what is done, and abandoning ends everything")
    func abandon() throws {
        let sender = Subject([2, 6])
        sender.took(5, from: try #require(sender.nextStream()))
        sender.abandon()
        #expect(sender.phase == .done)
        #expect(sender.nextStream() == nil)
        sender.finish()
        sender.checkDeadline(.max)
        #expect(sender.phase == .done)
        #expect(sender.sent == [5, 0], "the count stays readable")
    }

    @Test("without streams it is done")
    func noStreams() {
        let sender = Subject([], byteBudget: 10)
        #expect(sender.phase == .done)
        sender.rotate()
        #expect(sender.nextStream() == nil)
    }
}

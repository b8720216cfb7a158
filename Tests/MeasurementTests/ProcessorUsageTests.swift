import QrateMeasurement
import Testing

@Suite("processor time of an end") struct ProcessorUsageTests {
    private func thread(
        _ name: String, user: Double, system: Double, elapsed: Double = 10, lookout: Double = 0, isShared: Bool = false
    ) -> ThreadUsage {
        ThreadUsage(
            name: name, user: .seconds(user), system: .seconds(system), elapsed: .seconds(elapsed),
            lookout: .seconds(lookout), isShared: isShared)
    }

    @Test("is the sum of its threads'")
    func sum() throws {
        let usage = try #require(
            ProcessorUsage([thread("a", user: 1, system: 2), thread("b", user: 0.5, system: 0.25)]))
        #expect(usage.user == .seconds(1.5))
        #expect(usage.system == .seconds(2.25))
        #expect(usage.total == .seconds(3.75))
        #expect(usage.threads.map(\.name) == ["a", "b"])
        #expect(ProcessorUsage([]) == nil, "no thread, no figure")
    }

    @Test("has no sum where a thread worked for others, too; the threads' own figures stay")
    func shared() throws {
        let usage = try #require(
            ProcessorUsage([thread("a", user: 1, system: 2), thread("b", user: 1, system: 2, isShared: true)]))
        #expect(usage.total == nil && usage.user == nil && usage.system == nil)
        #expect(usage.perGigabyte(of: 1_000_000_000) == nil)
        #expect(usage.threads.count == 2)
    }

    @Test("per gigabyte is for 10^9 bytes")
    func perGigabyte() throws {
        let usage = try #require(ProcessorUsage([thread("a", user: 1, system: 2)]))
        #expect(usage.perGigabyte(of: 1_000_000_000) == .seconds(3))
        #expect(usage.perGigabyte(of: 500_000_000) == .seconds(6))
        #expect(usage.perGigabyte(of: .zero) == nil)
    }

    @Test("a thread's share of a processor is of its own time, with and without its looking out")
    func shares() {
        let one = thread("a", user: 2, system: 3, elapsed: 10, lookout: 1)
        #expect(one.busyShare == 0.5)
        #expect(one.workShare == 0.4)
        #expect(thread("b", user: 0, system: 0, elapsed: 0).busyShare == nil)
        #expect(thread("c", user: 6, system: 5).busyShare == 1, "never more than all")
        #expect(thread("d", user: 1, system: 0, lookout: 3).workShare == 0, "nor less than nothing")
    }

    @Test("the busiest thread is the one that worked for most of its time, not the one that looked out")
    func busiest() {
        let usage = ProcessorUsage([
            thread("works", user: 7, system: 1), thread("waits", user: 1, system: 0),
            thread("looks out", user: 5, system: 5, lookout: 9),
        ])
        #expect(usage?.busiest?.name == "works")
    }

    @Test("what the ends used time for is all payload of both directions, in the window or not")
    func payload() {
        var report = TestReport(
            id: "t", startedAt: 0, parameters: TestParameters(direction: .bidirectional),
            client: EndReport(software: "qrate/0.1.0"))
        report.upload = DirectionSummary(
            bytesReceived: 100, duration: .seconds(1), drainedBytes: 20, warmUpBytes: 3, isComplete: true)
        #expect(report.receivedInAll == nil, "half of it is none")
        report.download = DirectionSummary(bytesReceived: 1000, duration: .seconds(1), isComplete: false)
        #expect(report.receivedInAll == 1123)
        report.failure = TestFailure(.interrupted, "enough")
        #expect(report.receivedInAll == 1123, "both receivers told their counts")
        report.upload?.isComplete = nil
        #expect(report.receivedInAll == nil, "rows alone aren't all of it")
    }
}

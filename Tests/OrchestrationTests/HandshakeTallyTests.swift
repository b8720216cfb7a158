import QrateMeasurement
import QrateTransportAPI
import Testing

@testable import QrateOrchestration

@Suite("the tally of handshakes") struct HandshakeTallyTests {
    private let start = MonotonicTime(nanoseconds: 5_000_000_000)

    private func handshake(
        at milliseconds: Int64, taking duration: Duration = .milliseconds(1), _ kind: HandshakeKind = .cold
    ) -> CompletedHandshake {
        CompletedHandshake(completedAt: start + .milliseconds(milliseconds), duration: duration, kind: kind)
    }

    private let error = TransportError(.unreachable, "nobody is there")

    @Test("none begins when the time is over, and what is under way then still counts")
    func time() {
        let tally = HandshakeTally(.cold, duration: .seconds(1), count: nil, lanes: 2)
        #expect(tally.mayBegin(lane: 0, now: start))
        #expect(tally.mayBegin(lane: 1, now: start + .milliseconds(999)))
        #expect(!tally.mayBegin(lane: 0, now: start + .seconds(1)))
        tally.completed(handshake(at: 1))
        tally.completed(handshake(at: 1250))
        #expect(tally.report.completed == 2)
        #expect(tally.report.window == .milliseconds(1250))
        #expect(tally.report.perSecond == 2 / 1.25)
        #expect(tally.failure == nil)
    }

    @Test("no more begin than are wanted; one that failed is replaced")
    func count() {
        let tally = HandshakeTally(.cold, duration: nil, count: 2, lanes: 4)
        #expect(tally.mayBegin(lane: 0, now: start) && tally.mayBegin(lane: 1, now: start))
        #expect(!tally.mayBegin(lane: 2, now: start))
        tally.failed(.timeout, error)
        #expect(tally.mayBegin(lane: 2, now: start))
        tally.completed(handshake(at: 5))
        tally.completed(handshake(at: 7))
        #expect(!tally.mayBegin(lane: 3, now: start))
        #expect(tally.report.completed == 2)
        #expect(tally.report.failures == [.timeout: 1])
        #expect(tally.failure == nil)
    }

    @Test("one of the other kind is in no figure, and makes the measurement fail", arguments: HandshakeKind.allCases)
    func mistaken(kind: HandshakeKind) throws {
        let tally = HandshakeTally(kind, duration: .seconds(1), count: nil, lanes: 1)
        for (index, isRight) in [true, false].enumerated() {
            #expect(tally.mayBegin(lane: 0, now: start))
            let other = HandshakeKind.allCases.first { $0 != kind } ?? kind
            tally.completed(handshake(at: Int64(index), taking: .milliseconds(index + 1), isRight ? kind : other))
        }
        #expect(tally.report.completed == 1)
        #expect(tally.report.mistaken == 1)
        #expect(tally.report.latency?.maximum == .milliseconds(1))
        let failure = try #require(tally.failure)
        #expect(failure.kind == .failed)
        #expect(failure.message.hasPrefix("1 of 2 handshakes that were to "))
    }

    @Test("ten faults in a row end it, and say why; a success among them doesn't")
    func lost() throws {
        let tally = HandshakeTally(.cold, duration: .seconds(60), count: nil, lanes: 1)
        for round in 1...2 {
            for fault in 1...(round == 1 ? 9 : 10) {
                #expect(tally.mayBegin(lane: 0, now: start), "\(round), \(fault)")
                tally.failed(.connectionRefused, error)
            }
            guard round == 1 else { break }
            #expect(tally.mayBegin(lane: 0, now: start))
            tally.completed(handshake(at: 3))
        }
        #expect(tally.isLost)
        #expect(!tally.mayBegin(lane: 0, now: start))
        #expect(tally.report.failures == [.connectionRefused: 19])
        #expect(tally.report.completed == 1)
        #expect(
            tally.failure
                == TestFailure(.failed, "10 handshakes in a row failed, the last one: nobody is there"))
    }

    @Test("when every lane has waited in vain for an answer, that is enough")
    func silence() {
        let tally = HandshakeTally(.cold, duration: .seconds(60), count: nil, lanes: 2)
        for lane in 0...1 { #expect(tally.mayBegin(lane: lane, now: start)) }
        tally.failed(.timeout, error)
        #expect(!tally.isLost)
        tally.failed(.timeout, error)
        #expect(tally.isLost)
    }

    @Test("what comes after a stop isn't counted, and a stop is no failure of its own")
    func stopped() {
        let tally = HandshakeTally(.cold, duration: nil, count: 10, lanes: 2)
        for lane in 0...1 { #expect(tally.mayBegin(lane: lane, now: start)) }
        tally.stop()
        tally.completed(handshake(at: 1))
        tally.failed(.other, error)
        #expect(!tally.mayBegin(lane: 0, now: start))
        #expect(tally.report.isPartial)
        #expect(tally.report.completed == 0 && tally.report.failed == 0)
        #expect(tally.failure == nil)
    }

    @Test("none at all is a failure with the last reason")
    func nothing() throws {
        let tally = HandshakeTally(.resumed, duration: .seconds(1), count: nil, lanes: 1)
        #expect(tally.mayBegin(lane: 0, now: start))
        tally.failed(.noTicket, error)
        #expect(tally.failure == TestFailure(.failed, "no resumed handshake was completed: nobody is there"))
        #expect(tally.report.latency == nil && tally.report.window == nil && tally.report.perSecond == nil)
    }

    @Test("each lane warms up once")
    func warmUp() {
        let warmUp = LaneWarmUp()
        #expect(warmUp.mayBegin(lane: 0, now: start) && warmUp.mayBegin(lane: 1, now: start))
        #expect(!warmUp.mayBegin(lane: 0, now: start))
        warmUp.failed(.other, error)
        #expect(warmUp.error == error)
    }
}

@testable import QrateQUICCore
import QrateTestSupport
import Testing

@Suite("PacketTap") struct PacketTapTests {
    /// The tap behind a reference, because the testing macros copy what they look at.
    private final class Subject {
        private var tap = PacketTap()
        private var number: UInt8 = 0

        var counts: PacketTap.Counts { tap.counts }
        var ecn: ECNValidation { tap.ecn }

        /// A packet with a one-byte number.
        func send(_ frames: [UInt8], marked: Bool = false, phase: UInt8 = 0) {
            let first = tap.sent.next
            let header: [UInt8] = [0x40 | phase << 2, 1, 2, 3, 4, 5, 6, 7, 8, number]
            number &+= 1
            tap.willSeal(frames, count: frames.count, header: header, headerCount: header.count)
            if marked { tap.marked(from: first) }
        }

        func receive(_ frames: [UInt8]) {
            // In memory that ends with the packet, so that a sanitizer sees what is read beyond.
            let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: frames.count)
            defer { bytes.deallocate() }
            bytes.initialize(from: frames, count: frames.count)
            tap.didOpen(bytes, count: frames.count)
        }
    }

    private static let ping: [UInt8] = [0x01]

    /// STREAM with offset and length.
    private func stream(_ id: UInt8, offset: UInt8, count: UInt8) -> [UInt8] {
        [0x0e, id, offset, count] + [UInt8](repeating: 7, count: Int(count))
    }

    @Test("bytes of a data stream that were sent before count as sent again")
    func resent() {
        let subject = Subject()
        subject.send(stream(2, offset: 0, count: 20) + stream(6, offset: 0, count: 5))
        subject.send(stream(2, offset: 20, count: 20))
        #expect(subject.counts.streamBytesResent == 0)
        subject.send(stream(2, offset: 10, count: 10))
        #expect(subject.counts.streamBytesResent == 10)
        subject.send(stream(2, offset: 30, count: 20), phase: 0)
        #expect(subject.counts.streamBytesResent == 20, "half of it was new")
        subject.send([0x0f, 2, 50, 0])
        subject.send([0x08, 10] + [1, 2, 3])
        subject.send([0x08, 10] + [1, 2, 3])
        #expect(subject.counts.streamBytesResent == 23, "without offset and length it is as long as the packet")
        subject.send(stream(0, offset: 0, count: 9))
        subject.send(stream(0, offset: 0, count: 9))
        #expect(subject.counts.streamBytesResent == 23, "control isn't payload")
        #expect(subject.counts.packetsSent == 9)
    }

    @Test("a stream ID beyond any that is used changes nothing")
    func unknownStream() {
        let subject = Subject()
        for _ in 0..<2 { subject.send([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 9]) }
        #expect(subject.counts.streamBytesResent == 0)
    }

    @Test("ACK frames and the packets that they acknowledge are counted, with all other frames around them")
    func acknowledgements() {
        let subject = Subject()
        for _ in 0..<10 { subject.send(Self.ping) }
        subject.send([0x02, 5, 0, 0, 0])  // an ACK alone elicits none
        let others: [[UInt8]] = [
            [0, 0, 0], [0x01], [0x04, 2, 0, 9], [0x05, 2, 0], [0x06, 0, 2, 8, 8], [0x07, 1, 9], [0x10, 9],
            [0x11, 2, 9],
            [0x12, 9], [0x13, 9], [0x14, 9], [0x15, 2, 9], [0x16, 9], [0x17, 9],
            [0x18, 1, 0, 4] + [UInt8](repeating: 3, count: 20), [0x19, 1], [0x1a] + [UInt8](repeating: 1, count: 8),
            [0x1b] + [UInt8](repeating: 1, count: 8), [0x1c, 1, 6, 2, 65, 65], [0x1d, 1, 1, 65], [0x1e],
            [0x31, 2, 9, 9],
            stream(3, offset: 0, count: 4),
        ]
        // 8...9, and 2...5 behind a gap of two packets; then all of it again.
        subject.receive(others.joined() + [0x02, 9, 0, 1, 1, 1, 3] + [0x30, 1, 2, 3])
        #expect(subject.counts.acksReceived == 1)
        #expect(subject.counts.packetsAcknowledged == 6)
        subject.receive([0x02, 10, 0x40, 0x19, 0, 10] + Self.ping)
        #expect(subject.counts.acksReceived == 2)
        #expect(subject.counts.packetsAcknowledged == 10)
        #expect(subject.counts.packetsReceived == 2)
    }

    @Test("a new key phase is a key update")
    func keyPhases() {
        let subject = Subject()
        for phase in [0, 0, 1, 1, 0, 1] as [UInt8] { subject.send(Self.ping, phase: phase) }
        #expect(subject.counts.keyUpdates == 3)
    }

    @Test("what makes no sense ends the look at that packet, and nothing is read beyond it", arguments: 0..<20)
    func hostile(round: Int) {
        var random = SplitMix64(seed: UInt64(round))
        let subject = Subject()
        for _ in 0..<300 { subject.send(Self.ping, marked: true) }
        for _ in 0..<5_000 {
            var bytes = (0..<Int.random(in: 1...40, using: &random)).map { _ in
                UInt8.random(in: .min ... .max, using: &random)
            }
            bytes[0] = UInt8.random(in: 0...0x31, using: &random)
            subject.receive(bytes)
        }
        #expect(subject.counts.packetsReceived == 5_000)
        #expect(subject.counts.packetsAcknowledged <= 300)
    }

    // MARK: ECN

    /// ACK_ECN of all packets up to `largest`.
    private func counts(_ largest: UInt8, ect0: UInt8, ect1: UInt8 = 0, ce: UInt8 = 0) -> [UInt8] {
        [0x03, largest, 0, 0, largest, ect0, ect1, ce]
    }

    @Test("counts that grow by what is acknowledged validate marks")
    func validated() {
        let subject = Subject()
        for _ in 0..<20 { subject.send(Self.ping, marked: true) }
        #expect(!subject.ecn.hasSucceeded)
        subject.receive(counts(9, ect0: 10))
        #expect(subject.ecn.hasSucceeded && !subject.ecn.hasFailed)
        subject.receive(counts(19, ect0: 18, ce: 2))
        #expect(!subject.ecn.hasFailed)
        #expect(subject.ecn.reported == ECNValidation.Counts(ect0: 18, ect1: 0, ce: 2))
    }

    struct Counts: Sendable, CustomTestStringConvertible {
        let what: String
        let frame: [UInt8]
        var testDescription: String { what }
    }

    @Test(
        "marks that don't add up fail (RFC 9000 §13.4.2.1)",
        arguments: [
            Counts(what: "no counts", frame: [0x02, 19, 0, 0, 19]),
            Counts(what: "too little growth", frame: [0x03, 19, 0, 0, 19, 19, 0, 0]),
            Counts(what: "ECT(0) shrinks", frame: [0x03, 19, 0, 0, 19, 9, 0, 11]),
            Counts(what: "CE shrinks", frame: [0x03, 19, 0, 0, 19, 20, 0, 0]),
            Counts(what: "ECT(1), which wasn't sent", frame: [0x03, 19, 0, 0, 19, 18, 1, 1]),
            Counts(what: "more than were sent", frame: [0x03, 19, 0, 0, 19, 20, 0, 1]),
        ])
    func failed(counts: Counts) {
        let subject = Subject()
        for _ in 0..<20 { subject.send(Self.ping, marked: true) }
        subject.receive([0x03, 10, 0, 0, 10, 10, 0, 1])
        #expect(subject.ecn.hasSucceeded && !subject.ecn.hasFailed)
        subject.receive(counts.frame)
        #expect(subject.ecn.hasFailed)
    }

    @Test("an ACK frame that was overtaken by a newer one doesn't tell")
    func overtaken() {
        let subject = Subject()
        for _ in 0..<20 { subject.send(Self.ping, marked: true) }
        subject.receive(counts(19, ect0: 20))
        subject.receive(counts(9, ect0: 10))
        subject.receive([0x02, 9, 0, 0, 9])
        #expect(!subject.ecn.hasFailed)
    }

    @Test("without a mark no count is missed")
    func unmarked() {
        let subject = Subject()
        for _ in 0..<20 { subject.send(Self.ping) }
        subject.receive([0x02, 19, 0, 0, 19])
        #expect(!subject.ecn.hasFailed && !subject.ecn.hasSucceeded)
    }
}

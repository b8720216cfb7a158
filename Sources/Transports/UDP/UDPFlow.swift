import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import Synchronization

/// One flow's socket and what its threads share.
final class UDPFlow: Sendable {
    /// 0 for stream 1.
    let index: Int
    let socket: DatagramSocket
    let greeting: Greeting
    let sentBytes = Atomic<UInt64>(0)
    let sentDatagrams = Atomic<UInt64>(0)
    /// Datagrams that this host refused for want of buffers. Not among the sent.
    let sendDrops = Atomic<UInt64>(0)
    let limits = LimitRecorder()
    /// What a sender of datagrams can tell. Nobody gives it a window or credit.
    static let limitCauses: [LimitCause] = [.targetBitrate, .socketBuffer, .cpu, .idle]
    private let feedback = Mutex<FlowFeedback?>(nil)
    /// What came of a path MTU search's probes, by their numbers.
    private let probeAnswers = Mutex<[UInt32: ProbeAnswer]>([:])

    /// How far a probe got.
    struct ProbeAnswer: Sendable, Equatable {
        var arrived = false
        var cameBack = false
    }

    /// How the two ends of a flow find each other.
    enum Greeting: Sendable {
        /// A client's on the server's shared port: says hello until it is answered.
        case hello(FlowToken)
        /// A server's on its shared port: connected to `peer`, whose hello may come again.
        case welcomed(FlowToken, peer: SocketAddress)
        /// A client's to a port of the flow's own: nothing is said. When it only receives, it shows its address until
        /// data comes.
        case portOfItsOwn
        /// A server's on a port of the flow's own: the first datagram from this host is the peer's.
        case awaited(host: String)
    }

    init(_ socket: DatagramSocket, index: Int, _ greeting: Greeting) {
        self.socket = socket
        self.index = index
        self.greeting = greeting
    }

    /// What the receiver said last. One that counts less than an earlier one came late.
    var reported: FlowFeedback? { feedback.withLock { $0 } }

    func note(_ report: FlowFeedback) {
        feedback.withLock { last in
            let (total, overflow) = report.received.addingReportingOverflow(report.lost)
            if let last, overflow || total < last.received + last.lost { return }
            if !overflow { last = report }
        }
    }

    func send(_ bytes: [UInt8]) -> DatagramSocket.SendResult {
        bytes.withUnsafeBytes { socket.send($0, segmentSize: $0.count, ecn: 0, remote: nil, local: nil) }
    }

    /// Has the answers to a probe noted, from now on.
    func expectAnswer(to sequence: UInt32) { probeAnswers.withLock { $0[sequence] = ProbeAnswer() } }

    func answer(to sequence: UInt32) -> ProbeAnswer { probeAnswers.withLock { $0[sequence] ?? ProbeAnswer() } }

    /// - Parameter length: The datagram's.
    func note(_ answer: PathProbe, length: Int) {
        probeAnswers.withLock { answers in
            switch answer.kind {
            case .probe: break
            // An echo proves that the probe had come.
            case .echo where length == Int(answer.size):
                answers[answer.sequence]?.arrived = true
                answers[answer.sequence]?.cameBack = true
            case .ack, .echo: answers[answer.sequence]?.arrived = true
            }
        }
    }

    func acknowledge(_ token: FlowToken) {
        // One that is lost is asked for again.
        _ = send(FlowHello(.ack, flow: UInt16(truncatingIfNeeded: index), token: token).encoded)
    }
}

extension SocketAddress {
    /// Whether a sockaddr names the same host and port. Flow labels and zones are none of that.
    func isSameEnd(as other: UnsafeRawBufferPointer) -> Bool {
        withBytes { own in
            // Both families begin with the family and the port; IPv4's address follows, IPv6's behind the flow label.
            guard own.count == other.count, own.count >= 8, own.prefix(4).elementsEqual(other.prefix(4)) else {
                return false
            }
            let address = own.count >= 24 ? 8..<24 : 4..<8
            return own[address].elementsEqual(other[address])
        }
    }
}

import Glibc
import QrateDatagramProtocol
import QrateMeasurement
import QrateSockets
import QrateTransportAPI
import Synchronization

/// One sending thread: numbered datagrams into one flow until time or budget is used up.
///
/// Nothing is sent again and nothing waits for the receiver: what the socket takes is on its way. While the socket has no
/// room this thread waits for it.
struct UDPSendLoop {
    let flow: UDPFlow
    let control: SendControl
    let payload: PayloadBlock
    /// A datagram's UDP payload, header included.
    let unit: Int
    let budget: ByteBudget?
    var bucket: TokenBucket?
    /// The next datagram's number, and after the end how many were sent.
    private(set) var sequence: UInt64 = 0
    private var limits: LimitTeller

    init(
        flow: UDPFlow, control: SendControl, payload: PayloadBlock, unit: Int, budget: ByteBudget?, bucket: TokenBucket?
    ) {
        self.flow = flow
        self.control = control
        self.payload = payload
        self.unit = unit
        self.budget = budget
        self.bucket = bucket
        limits = LimitTeller(flow.limits)
    }

    enum Ending {
        /// The time was up or the budget used up, or sending was ended early.
        case done(SendEnd)
        case failed(TransportError)
    }

    /// How long the peer's host or one on the way may refuse everything before that is the end: a server that ends first
    /// refuses a client's last datagrams.
    private static let refusalTime = Duration.seconds(2)
    /// How long nothing is sent after this host had no buffer for it.
    private static let dropPause: UInt64 = 1_000_000

    /// As many datagrams as one call may bring: the kernel takes 64, of less than 64 KiB together.
    static func mostDatagrams(of unit: Int) -> Int { max(1, min(64, 65_000 / unit)) }

    /// Blocks until the flow has had its share.
    mutating func run() -> Ending {
        if bucket != nil { SocketPoll.sharpenTimers() }
        let most = Self.mostDatagrams(of: unit)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: most * unit, alignment: 64)
        defer {
            buffer.deallocate()
            limits.limit(by: .idle, at: MonotonicClock.now())
        }
        buffer.copyMemory(from: payload.prefix(most * unit))
        let startedAt = MonotonicClock.now()
        var refusedSince: MonotonicTime?
        while true {
            if control.endSending.isRaised { return .done(control.end ?? .abort) }
            if control.isPaused {
                limits.limit(by: nil, at: MonotonicClock.now())
                control.waitForPauseToEnd()
                bucket?.skip(to: MonotonicClock.now())
                continue
            }
            let now = MonotonicClock.now()
            limits.limit(by: .cpu, at: now)
            let deadline = control.deadline
            if now >= deadline { return .done(.finish) }
            var count = flow.socket.usesSegmentation ? most * unit : unit
            if bucket != nil {
                count = min(count, allowed(at: now, until: deadline))
                if count == 0 { continue }
            }
            var taken = 0
            if let budget {
                taken = budget.take(count)
                if taken == 0 { return .done(.finish) }
                // A remainder too short for a header is left out.
                count = taken % unit < DataHeader.byteCount ? taken - taken % unit : taken
                if count == 0 { continue }
            }
            let datagrams = stamp(buffer, count, timestamp: (now - startedAt).nanoseconds / 1000)
            switch flow.socket.send(
                UnsafeRawBufferPointer(rebasing: buffer[..<count]), segmentSize: unit, ecn: 0, remote: nil, local: nil)
            {
            case .sent:
                sequence += UInt64(datagrams)
                flow.sentBytes.wrappingAdd(UInt64(count), ordering: .relaxed)
                flow.sentDatagrams.wrappingAdd(UInt64(datagrams), ordering: .relaxed)
                bucket?.take(count)
                refusedSince = nil
            case .wouldBlock:
                budget?.giveBack(taken)
                limits.limit(by: .socketBuffer, at: now)
                _ = StreamPoll.wait(
                    for: .writable, on: flow.socket.descriptor, control.endSending,
                    nanoseconds: deadline == .never ? nil : (deadline - now).nanoseconds)
            case .refused(let code):
                budget?.giveBack(taken)
                switch code {
                case EIO, EINVAL, EMSGSIZE:
                    // The device won't cut it up, or the pieces are too large for it: the kernel may still fragment them.
                    guard datagrams > 1 else { return .failed(failure(code)) }
                    flow.socket.giveUpSegmentation()
                case ENOBUFS, ENOMEM:
                    flow.sendDrops.wrappingAdd(UInt64(datagrams), ordering: .relaxed)
                    limits.limit(by: .socketBuffer, at: now)
                    _ = StreamPoll.wait(for: [], on: nil, control.endSending, nanoseconds: Self.dropPause)
                case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ENETDOWN:
                    let since = refusedSince ?? now
                    refusedSince = since
                    guard now - since < Self.refusalTime else { return .failed(failure(code)) }
                    limits.limit(by: nil, at: now)  // no limit of the rate: nobody takes anything
                    _ = StreamPoll.wait(for: [], on: nil, control.endSending, nanoseconds: Self.dropPause)
                default: return .failed(failure(code))
                }
            }
        }
    }

    /// Writes the headers of the datagrams in the first `count` bytes.
    ///
    /// - Returns: How many they are.
    private func stamp(_ buffer: UnsafeMutableRawBufferPointer, _ count: Int, timestamp: UInt64) -> Int {
        var header = DataHeader(sequence: sequence, timestamp: timestamp)
        var offset = 0
        while offset < count {
            header.write(to: UnsafeMutableRawBufferPointer(rebasing: buffer[offset...]))
            header.sequence += 1
            offset += unit
        }
        return Int(header.sequence - sequence)
    }

    /// What pacing lets through now, in whole datagrams; 0 after a wait for it.
    private mutating func allowed(at now: MonotonicTime, until deadline: MonotonicTime) -> Int {
        guard var bucket else { return unit }
        defer { self.bucket = bucket }
        let burst = max(unit, bucket.burst / unit * unit)
        let count = bucket.available(at: now)
        if count >= burst { return burst }
        let due = min(bucket.time(for: burst), deadline)
        limits.limit(by: .targetBitrate, at: now)
        _ = StreamPoll.wait(
            for: [], on: nil, control.endSending, nanoseconds: due == .never ? nil : (due - now).nanoseconds)
        return 0
    }

    private func failure(_ code: Int32) -> TransportError {
        let reason = SocketError(code: code, "").reason
        switch code {
        case EMSGSIZE, EINVAL:
            return TransportError(
                .usage, "this host can't send datagrams of \(unit) bytes (\(reason)): choose a smaller -l",
                code: Int64(code))
        case ECONNREFUSED:
            return TransportError(
                .failed, "the peer's host says that nothing takes stream \(flow.index + 1)'s datagrams any more",
                code: Int64(code))
        default:
            return TransportError(
                .failed, "stream \(flow.index + 1)'s datagrams can't be sent: \(reason)", code: Int64(code))
        }
    }
}
